import { groupFamilies, type Dropped, type Family, type FamilyOptions } from '../../src/exposition/families.ts';
import type { Snapshot } from '../../src/metric/model.ts';

/** All steps at once. */
export function toFamilies(
  snapshot: Snapshot,
  options: FamilyOptions,
  drop: (dropped: Dropped) => void,
): readonly Family[] {
  const steps = groupFamilies(snapshot, options, drop);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
