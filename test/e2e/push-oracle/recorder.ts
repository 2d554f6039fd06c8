import { writeSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { createPush } from '../../../src/push/index.ts';
import { feedsOf } from '../../../src/push/feeds.ts';
import { deadlineIn } from '../../../src/std/deadline.ts';
import { createTelemetry } from '../../../src/telemetry/index.ts';
import { silentLogger as logger } from '../../../src/telemetry/logger.ts';
import { toDestination, type TestDestination } from '../../push/pushing.ts';
import { SERIES, type RecorderOptions } from './protocol.ts';

/*
 * Run as a process of its own, to be killed at any moment: `node recorder.ts JSON`, of RecorderOptions. It records step after step, each as one
 * collection, and writes a line as soon as something is known, without a buffer between that a kill could take away:
 * `recorded N AT`, `acknowledged N AT`, `dropped FROM TO POINTS` when the queue gives up what it had acknowledged, all times in Unix ms; and `fault WHY`
 * when something is not on disk.
 */

const options = JSON.parse(process.argv[2] ?? '') as RecorderOptions;
/** Waits until it is said, also when nobody has read for long. */
function say(line: string): void {
  for (let rest = Buffer.from(`${line}\n`); rest.length > 0;) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

const given: TestDestination = {
  endpoint: options.endpoint,
  protocol: options.protocol,
  temporality: options.temporality,
  batchBytesMax: options.batchBytesMax,
  metrics: { included: ['inference.requests'], excluded: [] },
  queue: { directory: options.directory, bytesMax: options.queueBytesMax, order: options.order },
};
const feeds = feedsOf([toDestination(given)], 'native');
const telemetry = createTelemetry({ resource: {}, destinations: feeds, logger });
const { instruments, events } = telemetry;
const push = createPush({
  feeds,
  engine: 'native',
  readers: telemetry.push,
  instruments,
  events: {
    emit: (event, emitted = {}) => {
      const { from, to, points, error } = emitted.fields ?? {};
      if (event === 'batches dropped')
        say(`dropped ${Date.parse(String(from))} ${Date.parse(String(to))} ${Number(points)}`);
      if (event === 'batch not on disk') say(`fault ${String(error)}`);
      return events.emit(event, emitted);
    },
  },
  logger,
  version: '0.0.0',
});

await push.start();
say('started');
const counter = instruments.counter('inference.requests');
let acknowledged = 0;
for (let step = options.firstStep; acknowledged < (options.acknowledgedMax ?? Infinity); step++) {
  say(`recorded ${step} ${Date.now()}`);
  for (let i = 0; i < SERIES; i++) counter.add(step, { 'inference.model.name': `series ${i}` });
  const { ok, destinations: states } = await push.flush(options.flushMs);
  const endedMs = Date.now();
  if (ok && states.a?.status !== 'failed') {
    say(`acknowledged ${step} ${endedMs}`);
    acknowledged++;
  }
  // So that a sample's time tells its step, and no series of Prometheus has two of one millisecond.
  while (Date.now() <= endedMs) await setTimeout(1);
}
await push.shutdown(deadlineIn(options.shutdownMs));
await telemetry.shutdown();
say('ended');
