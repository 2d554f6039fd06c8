import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { LongPrograms } from './long-programs.ts';
import type { SmallPrograms } from './small-programs.ts';

/**
 * The power goes at any moment: what was acknowledged is delivered, byte for byte and in order, or was reported by `onDrop` before; what was
 * never appended is never delivered, and nothing is delivered twice; what was removed comes again only as a whole. `corrupt` excuses nothing here.
 *
 * What a power cut may leave is in simulated-disk.ts.
 *
 * 1. All small programs, with a cut before and after every call that changes the disk, with every combination of what is lost and what is
 *    kept, at most one of which is out of the ordinary (a write that is torn in its middle, a size without the data, garbage where nothing was
 *    written; in the long run two of them), and with a second cut after the queue was opened again and appended to.
 *    The same with a queue that has little room, and on a disk that is full of what is done.
 * 2. The same where each call that writes fails once, and the cut comes at the end.
 * 3. Long programs of several lives, with appends that overlap, calls that overtake each other, limits that drop, a disk that fails, and
 *    cuts and kills at random moments; what is garbage is what was in files that were removed.
 */
const LONG = process.env.METERGATE_LONG === '1';

const concurrency = availableParallelism();

const small = {
  'the power is cut at every call': { fails: false, lengthMax: LONG ? 4 : 3 },
  'every call fails, and the power is cut after that': { fails: true, lengthMax: LONG ? 3 : 2 },
};
const rooms: Record<string, { readonly lengthMin?: number } & Partial<SmallPrograms>> = {
  'with room': {},
  'with little room': { options: { bytesMax: 250 } },
  // Two small batches are too many for it, and fewer than a segment takes: what is done has to go, of which there is none before the third operation.
  'on a small disk': {
    lengthMin: 3,
    diskBytes: 90,
    names: ['append small', 'append two', 'remove oldest', ...(LONG ? ['reopen'] : [])],
  },
};
for (const [name, { fails, lengthMax }] of Object.entries(small)) {
  describe(`${name} of all small programs`, { concurrency }, () => {
    for (const [room, { lengthMin = 1, ...given }] of Object.entries(rooms)) {
      for (let length = lengthMin; length <= Math.max(lengthMin, lengthMax); length += 1) {
        it(`${room}, of ${length} operations`, async () => {
          const programs = { options: {}, diskBytes: Infinity, names: undefined, ...given };
          const all = { ...programs, length, fails, rare: LONG ? 2 : 1 };
          await work('small-programs.ts', all satisfies SmallPrograms);
        });
      }
    }
  });
}

describe('the power is cut, or the process killed, at random moments of long programs', { concurrency }, () => {
  const little = { bytesMax: 1500, batchesMax: 160 };
  const kinds: Record<string, Partial<LongPrograms>> = {
    'each batch is synced': {},
    'each batch is synced, and the queue is small': { options: little },
    'each batch is synced, and batches expire': { options: { maxAgeMs: 40 } },
    'each batch is synced, and the disk is small': { diskBytes: 400 },
    'each batch is synced, and the disk fails': { fails: 'everything' },
    'each batch is synced, the queue is small, and writing fails': { fails: 'writes', options: little },
    'it is only killed, and a second is synced': { cuts: false, options: { fsync: 'every_second' } },
    'it is only killed, and nothing is synced': { cuts: false, options: { fsync: 'never' } },
    'it is only killed, nothing is synced, and the disk fails': {
      cuts: false,
      fails: 'everything',
      options: { fsync: 'never' },
    },
  };
  for (const [name, kind] of Object.entries(kinds)) {
    it(name, async () => {
      const programs = {
        seeds: LONG ? 4000 : 50,
        cuts: true,
        fails: 'nothing',
        options: {},
        diskBytes: Infinity,
        ...kind,
      } as const;
      await work('long-programs.ts', programs satisfies LongPrograms);
    });
  }
});

async function work(file: string, workerData: object): Promise<void> {
  const worker = new Worker(new URL(file, import.meta.url), { workerData });
  const [code] = (await once(worker, 'exit')) as [number];
  if (code !== 0) throw new Error(`${file} ended with ${code}`);
}
