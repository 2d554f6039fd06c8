import type { ObservableGroup, SampleError } from '../../../src/observables/observable.ts';
import { createReadings } from '../../../src/observables/readings.ts';

export interface Sampled {
  /** Metric name to values by the values of their attributes ('' when there is none), as a sampler would show them. */
  readonly values: Record<string, Record<string, number>>;
  /** `reason: message` of what was reported. */
  readonly reports: readonly string[];
}

/** Takes one sample. Rejects with what the group throws, and when one series is written twice. */
export async function sampleOf(group: ObservableGroup): Promise<Sampled> {
  const readings = createReadings(group.instruments);
  const errors: SampleError[] = [];
  await group.sample({ write: readings.write, report: (error) => void errors.push(error), takenAgo: () => undefined });
  const values: Sampled['values'] = {};
  for (const name of group.instruments) {
    const series = readings.of(name);
    const keys = new Set(series.map(({ attributes }) => JSON.stringify(attributes)));
    if (keys.size !== series.length) throw new Error(`${name} has a series twice`);
    for (const { value, attributes = {} } of series) {
      (values[name] ??= {})[Object.values(attributes).join(' ')] = value;
    }
  }
  return { values, reports: errors.map(({ reason, message }) => `${reason}: ${message}`) };
}
