import { readFileSync } from 'node:fs';
import { openQueue } from '../../src/push/queue/index.ts';
import { announce } from '../serving.ts';

/**
 * `node queue-process.ts DIRECTORY FILE BYTES`: a queue in a process of its own. Whenever it is asked, it appends the content of the file in
 * batches of that many bytes, one after the other, and answers how long one took, in ms.
 */
const [, , directory, file = '', bytes] = process.argv;
const content = readFileSync(file);
const batchBytes = Number(bytes);
const batches = content.length / batchBytes;
const payloads = Array.from({ length: batches }, (_, i) => content.subarray(i * batchBytes, (i + 1) * batchBytes));

const queue = await openQueue({
  directory,
  // Nothing goes to make room.
  bytesMax: 4 * content.length,
  batchesMax: 2 * batches,
  fsync: 'every_batch',
  onDrop: ({ reason }) => fail(`a batch was dropped: ${reason}`),
  onFault: ({ message }) => fail(message),
});
process.on('message', () => {
  void append().then((ms) => process.send?.(ms));
});
announce({ url: '' });

async function append(): Promise<number> {
  const timeMs = Date.now();
  const beginMs = performance.now();
  for (const payload of payloads) {
    const { onDisk } = await queue.append({ timeMs, points: 1, payload });
    if (!onDisk) fail('a batch is not on disk');
  }
  const ms = (performance.now() - beginMs) / batches;
  await readAll();
  return ms;
}

/** Nobody is to be quick by leaving something out. */
async function readAll(): Promise<void> {
  for (const payload of payloads) {
    const entry = await queue.read(0);
    if (entry === undefined || !payload.equals(entry.batch.payload))
      fail('what is in the queue is not what was put there');
    else await queue.remove(entry.number);
  }
}

function fail(reason: string): never {
  throw new Error(reason);
}
