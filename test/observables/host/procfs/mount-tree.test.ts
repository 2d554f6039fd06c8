import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reachable } from '../../../../src/observables/host/procfs/mount-tree.ts';

/** Lines `id parent mount-point`; those that are shown, by id. */
const cases: Record<string, { mounts: string[]; shown: string[] }> = {
  'each of a plain tree, whose top has a parent that is not listed': {
    mounts: ['27 1 /', '22 27 /proc', '28 27 /a', '29 28 /a/b'],
    shown: ['27', '22', '28', '29'],
  },
  'not what is mounted over, at the same place, however the lines are ordered': {
    mounts: ['40 33 /mnt', '27 1 /', '33 27 /mnt'],
    shown: ['40', '27'],
  },
  'not what is below a directory that is mounted over, nor what is on that': {
    mounts: ['27 1 /', '33 27 /over/sub', '34 33 /over/sub/deep', '35 27 /over', '36 27 /overture'],
    shown: ['27', '35', '36'],
  },
  'what is mounted on that which is over another': {
    mounts: ['27 1 /', '33 27 /over/sub', '35 27 /over', '37 35 /over/sub'],
    shown: ['27', '35', '37'],
  },
  'not what is on a mount whose root is mounted over': {
    mounts: ['27 1 /', '33 27 /p', '34 33 /p/m', '35 33 /p', '36 35 /p/m'],
    shown: ['27', '35', '36'],
  },
  'not the first root, which is its own parent, nor what is on it': {
    mounts: ['1 1 /', '20 1 /early', '27 1 /', '28 27 /dev'],
    shown: ['27', '28'],
  },
  'the last of two at one place on one mount, as old kernels have them': {
    mounts: ['27 1 /', '33 27 /p', '34 27 /p'],
    shown: ['27', '34'],
  },
  'what says that it is on itself by way of another': { mounts: ['5 6 /a', '6 5 /a/b'], shown: ['5', '6'] },
};

describe('mounts', () => {
  for (const [what, { mounts, shown }] of Object.entries(cases)) {
    it(`that can be reached are ${what}`, () => {
      const places = mounts.map((line) => {
        const [id = '', parentId = '', mountPoint = ''] = line.split(' ');
        return { id, parentId, mountPoint };
      });
      assert.deepEqual(
        reachable(places).map(({ id }) => id),
        shown,
      );
    });
  }
});
