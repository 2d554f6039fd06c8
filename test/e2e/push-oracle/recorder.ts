import { writeSync } from 'node:fs';
import { createPush } from '../../../src/push/index.ts';
import { feedsOf } from '../../../src/push/feeds.ts';
import { deadlineIn } from '../../../src/std/deadline.ts';
import { createTelemetry } from '../../../src/telemetry/index.ts';
import { silentLogger as logger } from '../../../src/telemetry/logger.ts';
import { toDestination, type TestDestination } from '../../push/pushing.ts';
import { SERIES, type RecorderOptions } from './protocol.ts';

/*
 * Run as a process of its own, to be killed at any moment: `node recorder.ts JSON`, of RecorderOptions. It records step after step, each as one
 * delta collection, and writes a line as soon as something is known, without a buffer between that a kill could take away:
 * `recorded N AT`, `acknowledged N AT`, and `dropped FROM TO`, all times in Unix ms, when the queue gives up what it had acknowledged.
 */

const options = JSON.parse(process.argv[2] ?? '') as RecorderOptions;
const say = (line: string): void => void writeSync(1, `${line}\n`);

const given: TestDestination = {
  endpoint: options.endpoint,
  temporality: 'delta',
  batchBytesMax: options.batchBytesMax,
  metrics: { included: ['inference.requests'], excluded: [] },
  queue: { directory: options.directory, bytesMax: options.queueBytesMax, order: options.order },
};
const destinations = [toDestination(given)];
const telemetry = createTelemetry({ resource: {}, destinations: feedsOf(destinations, 'native'), logger });
const { instruments, events } = telemetry;
const push = createPush({
  destinations,
  engine: 'native',
  readers: telemetry.push,
  instruments,
  events: {
    emit: (event, emitted = {}) => {
      const { from, to } = emitted.fields ?? {};
      if (event === 'batches dropped') say(`dropped ${Date.parse(String(from))} ${Date.parse(String(to))}`);
      return events.emit(event, emitted);
    },
  },
  logger,
  version: '0.0.0',
});

await push.start();
say('started');
const counter = instruments.counter('inference.requests');
for (let step = options.firstStep; step < options.endStep; step++) {
  say(`recorded ${step} ${Date.now()}`);
  for (let i = 0; i < SERIES; i++) counter.add(step, { 'inference.model.name': `series ${i}` });
  const { ok, destinations: states } = await push.flush(1_000);
  if (ok && states.a?.status !== 'failed') say(`acknowledged ${step} ${Date.now()}`);
}
await push.shutdown(deadlineIn(options.shutdownMs));
await telemetry.shutdown();
say('ended');
