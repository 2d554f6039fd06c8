import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Destination } from '../../src/push/destination.ts';
import { Feed } from '../../src/push/feed.ts';
import { flushLine } from '../../src/push/flush.ts';
import { soon } from './pushing.ts';

it('a collection that fails is not taken for one that was sent', async () => {
  const destination = {
    name: 'a',
    isStarted: true,
    records: { watchLosses: () => () => {} },
    collectionFailed: () => {},
    secure: () => Promise.resolve('sent'),
    stats: () => ({ batches: 0 }),
  } as unknown as Destination;
  const feed = new Feed({
    reader: { collect: () => Promise.reject(new Error('there is nothing to read')) },
    intervalMs: 3_600_000,
    metrics: { excluded: [] },
    batchBytesMax: 1e6,
    takers: [destination],
  });
  const flushed = await flushLine({ feed, destinations: [destination] }, soon());
  assert.deepEqual(flushed, [['a', { status: 'failed', batches: 0 }]]);
});
