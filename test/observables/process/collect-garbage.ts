/** Has V8 collect garbage. Writes where the recording starts and ends between what V8 traces, and then how many it recorded of each type. */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createV8Group } from '../../../src/observables/process/v8.ts';
import { deadlineIn } from '../../../src/std/deadline.ts';
import { createTestTelemetry } from '../../support/telemetry.ts';

const telemetry = createTestTelemetry();
const group = createV8Group(telemetry);
await group.start?.();
writeSync(1, 'START\n');

let kept: unknown[] = [];
for (let round = 0; round < 6; round++) {
  // In one turn of the loop, so that Node hands over several collections at once.
  for (let i = 0; i < 300_000; i++) kept.push({ i, text: `${i}` });
  if (round % 2 === 1) kept = [];
  if (round % 3 === 2) await sleep(1);
}
globalThis.gc?.();

// Node hands over what was collected in the turns that follow.
await sleep(100);
writeSync(1, 'END\n');
await group.close?.(deadlineIn(0));
globalThis.gc?.();
await sleep(100);
const series = await telemetry.series('v8js.gc.duration');
const counts = series.map(({ attributes, value }) => [attributes['v8js.gc.type'], value]);
writeSync(1, `\n${JSON.stringify(Object.fromEntries(counts))}\n`);
