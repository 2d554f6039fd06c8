/**
 * The kernel counts a page fault when it begins, and as a major one when it ends: the difference falls while disks are slow, and is held
 * then. When the count of all falls, a counter began anew.
 *
 * @returns what takes both counts of one sample and gives the minor faults; NaN where one of the counts is.
 */
export function createMinorFaults(): (all: number, major: number) => number {
  let before = { all: 0, minor: 0 };
  return (all, major) => {
    const minor = all - major;
    if (Number.isNaN(minor)) return NaN;
    before = { all, minor: all < before.all ? minor : Math.max(minor, before.minor) };
    return before.minor;
  };
}
