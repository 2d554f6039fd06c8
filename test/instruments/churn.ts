import { setImmediate } from 'node:timers/promises';
import { createNative } from './native.ts';

/*
 * Run as a process of its own: `node --expose-gc churn.ts NAME SETS`. Writes `{ early, late, total }` as JSON: the bytes held after a
 * tenth of the sets and after all of them, and what the delta view was shown in all.
 */

const [, , name = '', sets = '0'] = process.argv;
const SETS = Number(sets);
const LIMIT = 2000;

interface Churn {
  /** The i-th set comes, and perhaps goes. */
  turn(i: number): unknown;
  collect(): Promise<number>;
}

const { meters, meter, clock } = createNative({ limit: LIMIT });
const delta = meters.createView('delta');
/** A consumer that went away, or never came. */
meters.createView('delta');

async function shown(): Promise<number> {
  const { scopes } = await delta.collect(1000);
  const [metric] = scopes[0]?.metrics ?? [];
  if (metric?.kind !== 'sum' && metric?.kind !== 'histogram') return 0;
  const columns = metric.kind === 'sum' ? [metric.points.values] : metric.points.map(({ counts }) => counts);
  let total = 0;
  for (const column of columns) for (const value of column) total += value;
  return total;
}

const churns: Record<string, () => Churn> = {
  limit: () => {
    const counter = meter.createCounter('counter');
    return { turn: (i) => counter.add(1, { user: `user ${i}`, method: 'GET' }), collect: shown };
  },
  remove: () => {
    const counter = meter.createCounter('counter');
    const turn = (i: number): void => {
      counter.add(1, { user: `user ${i}`, method: 'GET' });
      counter.remove({ user: `user ${i}`, method: 'GET' });
    };
    return { turn, collect: shown };
  },
  remove_bound: () => {
    const histogram = meter.createHistogram('histogram', { advice: { explicitBucketBoundaries: [1, 2] } });
    const turn = (i: number): void => {
      histogram.bind({ user: i }).record(1);
      histogram.remove({ user: i });
    };
    return { turn, collect: shown };
  },
  keys: () => {
    const counter = meter.createCounter('counter');
    const turn = (i: number): void => {
      const attributes: Record<string, boolean> = {};
      for (let bit = 0; bit < 16; bit++) if ((i >> bit) & 1) attributes[`key ${bit}`] = true;
      counter.add(1, attributes);
      counter.remove(attributes);
    };
    return { turn, collect: shown };
  },
  observe: () => {
    let now = 0;
    meter.createObservableUpDownCounter('observed').addCallback((result) => {
      for (let i = now - 999; i <= now; i++) result.observe(1, { pid: i });
    });
    return { turn: (i) => (now = i), collect: shown };
  },
  expiry: () => {
    const histogram = meter.createHistogram('histogram', { expireAfterMs: 1 });
    const collectLater = (): Promise<number> => {
      clock.nowMs += 10;
      return shown();
    };
    return { turn: (i) => histogram.record(1, { user: `user ${i}` }), collect: collectLater };
  },
};

/** One collection may leave megabytes of what a scavenge or a compilation still held: the least of a few is what is held. */
async function bytesHeld(): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < 5; i++) {
    await setImmediate();
    globalThis.gc?.();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    least = Math.min(least, heapUsed + arrayBuffers);
  }
  return least;
}

const churn = churns[name]?.();
if (churn === undefined) throw new Error(`there is no churn ${name}`);
let total = 0;
let early = 0;
for (let i = 0; i < SETS; i++) {
  churn.turn(i);
  if (i % 1000 === 999) total += await churn.collect();
  if (i === SETS / 10) early = await bytesHeld();
}
process.stdout.write(JSON.stringify({ early, late: await bytesHeld(), total }));
