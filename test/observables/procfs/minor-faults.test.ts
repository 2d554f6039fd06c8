import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMinorFaults } from '../../../src/observables/procfs/minor-faults.ts';

/** All and major faults of one sample after the other, and the minor ones. */
const cases: Record<string, [all: number, major: number, minor: number][]> = {
  'are those that are not major': [[100, 10, 90]],
  'are held while faults that have begun turn out to be major': [
    [100, 10, 90],
    [101, 15, 90],
    [120, 20, 100],
  ],
  'begin anew when the count of all does': [
    [100, 10, 90],
    [50, 1, 49],
  ],
  'are not known when a count is not, and go on after it': [
    [100, 10, 90],
    [NaN, 10, NaN],
    [101, NaN, NaN],
    [101, 15, 90],
  ],
};

describe('minor page faults', () => {
  for (const [what, samples] of Object.entries(cases)) {
    it(what, () => {
      const minorFaults = createMinorFaults();
      assert.deepEqual(
        samples.map(([all, major]) => minorFaults(all, major)),
        samples.map(([, , minor]) => minor),
      );
    });
  }
});
