import { deadlineIn } from '../../src/std/deadline.ts';
import { createTelemetry } from '../../src/telemetry/index.ts';
import type { Labels } from '../record/workload.ts';
import { createMetricsListener, PATH } from './metrics-listener.ts';
import { COUNTER, HELP, startCounters } from './workload.ts';

export interface ServedCounters {
  /** Of the page. */
  readonly url: string;
  /** Records on all series. */
  readonly touch: () => void;
  readonly close: () => Promise<void>;
}

/** Counters in a telemetry as the gateway has it, and its listener for metrics, set as it is by default. */
export async function serveCounters(series: readonly Labels[]): Promise<ServedCounters> {
  const telemetry = createTelemetry({ cardinalityLimit: series.length, version: '0.0.0' });
  const counter = telemetry.getMeter({ name: 'bench' }).createCounter(COUNTER, { description: HELP });
  const bound = series.map((labels) => counter.bind(labels));
  const touch = startCounters(bound.map((each) => (value) => each.add(value)));
  const listener = createMetricsListener(telemetry);
  await listener.start();
  return {
    url: `${listener.url}${PATH}`,
    touch,
    close: async () => {
      await listener.shutdown(deadlineIn(1_000));
      await telemetry.shutdown();
    },
  };
}
