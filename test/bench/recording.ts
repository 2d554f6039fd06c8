import { createMeters } from '../../src/instruments/index.ts';
import { BOUNDS, durations, freshOf, hundredSeries } from '../../bench/record/workload.ts';

/**
 * `node --expose-gc --trace-gc recording.ts WAY`: records until that is optimised, and then 10,000,000 times between two collections
 * that are asked for.
 */
const RECORDINGS = 10_000_000;
const WARM_UP_RECORDINGS = 100_000;
const WARM_UPS = 30;

/**
 * Numbers that are in boxes already, as the elements of a list of mixed types are. A caller that has just computed one makes a box for
 * it, unless V8 inlines the recording into the caller: that is not what is to be shown here.
 */
const values: readonly (number | undefined)[] = [...durations, undefined];

const meters = createMeters({ cardinalityLimit: 2000, exemplarFilter: 'trace_based', nowMs: Date.now });
const meter = meters.getMeter({ name: 'test' });
const counter = meter.createCounter('counter');
const histogram = meter.createHistogram('histogram', { advice: { explicitBucketBoundaries: BOUNDS } });
const boundCounters = hundredSeries.map((labels) => counter.bind(labels));
const boundHistograms = hundredSeries.map((labels) => histogram.bind(labels));

const ways: Readonly<Record<string, (recordings: number) => void>> = {
  'bound counter': over(boundCounters, (bound, value) => bound.add(value)),
  'bound histogram': over(boundHistograms, (bound, value) => bound.record(value)),
  'unbound counter': over(hundredSeries, (labels, value) => counter.add(value, freshOf(labels))),
};

const record = ways[process.argv[2] ?? ''];
if (record === undefined || globalThis.gc === undefined) throw new Error('not started as it says above');
for (let i = 0; i < WARM_UPS; i++) record(WARM_UP_RECORDINGS);
// Of young objects only: a whole collection has V8 throw optimised code away, and for some thousand recordings there is none.
globalThis.gc({ type: 'minor' });
record(RECORDINGS);
globalThis.gc({ type: 'minor' });

function over<S>(subjects: readonly S[], operation: (subject: S, value: number) => void): (recordings: number) => void {
  return (recordings) => {
    let done = 0;
    let next = 0;
    while (done < recordings) {
      for (const subject of subjects) {
        const value = values[next];
        if (value !== undefined) operation(subject, value);
        next = (next + 1) % durations.length;
        done++;
      }
    }
  };
}
