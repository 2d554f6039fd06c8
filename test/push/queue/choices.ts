import assert from 'node:assert/strict';

/** A number from 0 on and below `count`. */
export type Choose = (count: number) => number;

/**
 * Runs something once for every combination of what it can choose.
 *
 * @returns how often that was. An error is thrown on with the choices.
 */
export async function exhaust(run: (choose: Choose) => Promise<void>): Promise<number> {
  const taken: { value: number; readonly count: number }[] = [];
  for (let runs = 1; ; runs += 1) {
    let at = 0;
    const choose: Choose = (count) => {
      const step = taken[at] ?? { value: 0, count };
      assert.equal(step.count, count, 'what is run does not choose the same again');
      taken[at] = step;
      at += 1;
      return step.value;
    };
    try {
      await run(choose);
    } catch (cause) {
      throw new Error(`with the choices ${taken.map(({ value }) => value).join(' ')}`, { cause });
    }
    assert.equal(at, taken.length, 'what is run does not choose the same again');
    while (taken.length > 0 && isLast(taken.at(-1))) taken.pop();
    const next = taken.at(-1);
    if (next === undefined) return runs;
    next.value += 1;
  }
}

/** Always the same for the same seed. Source: Mulberry32, https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
export function createRandom(seed: number): Choose {
  let state = seed;
  return (count) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * count);
  };
}

function isLast(step: { value: number; count: number } | undefined): boolean {
  return step?.value === (step?.count ?? 0) - 1;
}
