import { openQueue } from '../../src/push/queue/index.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import type { CaseOptions, Cases, Sample } from '../case.ts';
import { heldBytes } from '../held-bytes.ts';
import { receivedBy, startSink } from './export-case.ts';
import { pushCounters } from './push.ts';

/** What is held when a queue in memory is full, over its limit. */
export const cases: Cases = {
  memory_queue: (options) => ({ probe: () => memoryOfQueue(options) }),
  memory_outage: (options) => ({ probe: () => memoryOfOutage(options) }),
};

/** The default. */
const BYTES_MAX = 64 << 20;
const BATCHES_MAX = 100_000;
const QUICK_BYTES_MAX = 4 << 20;
/** More than a collection takes; nothing is delivered meanwhile. */
const FLUSH_TIMEOUT_MS = 150;
const QUICK_FLUSH_TIMEOUT_MS = 15;
/** A queue is given so many times what it may keep. */
const TIMES = 2;

async function memoryOfQueue({ quick }: CaseOptions): Promise<Sample> {
  const bytesMax = quick ? QUICK_BYTES_MAX : BYTES_MAX;
  const heldWith = async (batchBytes: number): Promise<number> => {
    const before = heldBytes();
    let dropped = 0;
    const queue = await openQueue({
      bytesMax,
      batchesMax: BATCHES_MAX,
      fsync: 'every_batch',
      onDrop: ({ batches }) => (dropped += batches),
      onFault: ({ message }) => {
        throw new Error(message);
      },
    });
    const batches = Math.ceil((TIMES * bytesMax) / batchBytes);
    for (let i = 0; i < batches; i++) {
      await queue.append({ timeMs: i, points: 1, payload: new Uint8Array(batchBytes).fill(i) });
    }
    const held = heldBytes() - before;
    const waiting = queue.stats().batches;
    if (waiting + dropped !== batches) throw new Error(`${batches - waiting - dropped} batches are nowhere`);
    await queue.close();
    return held / bytesMax;
  };
  return { vs_limit: await heldWith(1 << 20), small_batches_vs_limit: await heldWith(1 << 10) };
}

/** What a process holds more than after an export in peace, when its receiver has been gone for as long as it takes to fill the queue twice. */
async function memoryOfOutage(options: CaseOptions): Promise<Sample> {
  const sink = await startSink();
  const bytesMax = options.quick ? QUICK_BYTES_MAX : BYTES_MAX;
  const pushed = await pushCounters(options, { endpoint: sink.url, queue: { bytesMax }, logger: silentLogger });
  const exportAll = async (): Promise<number> => {
    pushed.touch();
    await pushed.export();
    return (await receivedBy(sink, pushed)).bytes;
  };
  const bytes = await exportAll();
  const before = heldBytes();
  sink.stop();
  for (let collected = 0; collected < TIMES * bytesMax; collected += bytes) {
    pushed.touch();
    await pushed.push.flush(options.quick ? QUICK_FLUSH_TIMEOUT_MS : FLUSH_TIMEOUT_MS);
  }
  const held = heldBytes() - before;
  await pushed.close();
  return { vs_limit: held / bytesMax };
}
