import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Metric } from '../../src/metric/model.ts';
import { at, createNative, runs } from './native.ts';
import { exact } from './programs.ts';

// Series that come, are removed or expire, and come again, against a model that keeps every value: nothing is shown twice, nothing is
// lost, nothing is taken over from the series that had the row before.

type Name = 'counter' | 'histogram' | 'exponential';
type ViewName = 'cumulative' | 'early' | 'late';

type Step =
  | {
      readonly step: 'record';
      readonly name: Name;
      readonly set: number;
      readonly value: number;
      readonly bound: boolean;
    }
  | { readonly step: 'remove'; readonly name: Name; readonly set: number }
  | { readonly step: 'wait'; readonly ms: number }
  | { readonly step: 'collect'; readonly view: ViewName };

const name = fc.constantFrom<Name>('counter', 'histogram', 'exponential');
// More than the rows that there are at first, so that they grow.
const set = fc.nat(11);
const constant = <T extends string>(value: T) => fc.constant(value);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ step: constant('record'), name, set, value: exact, bound: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ step: constant('remove'), name, set }) },
  { weight: 3, arbitrary: fc.record({ step: constant('wait'), ms: fc.integer({ min: 1, max: 100 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({ step: constant('collect'), view: fc.constantFrom<ViewName>('cumulative', 'early', 'late') }),
  },
);

/** From the first measurement to the removal. */
interface Life {
  readonly name: Name;
  readonly set: number;
  readonly startMs: number;
  readonly values: number[];
  readonly unseen: Record<'early' | 'late', number[]>;
  seenMs: number;
  touched: boolean;
}

/** Of the instruments: where the clock of `createNative` begins. */
const CREATED_MS = 1000;

class Model {
  readonly #expireAfterMs: number | undefined;
  readonly #since = { early: 0, late: 0 };
  #lives: Life[] = [];
  /** Ended, with something unseen. */
  #ended: Life[] = [];

  constructor(expireAfterMs: number | undefined) {
    this.#expireAfterMs = expireAfterMs;
  }

  record(name: Name, set: number, { value, nowMs }: { value: number; nowMs: number }): void {
    let life = this.#lives.find((each) => each.name === name && each.set === set);
    if (life === undefined) {
      life = { name, set, startMs: nowMs, values: [], unseen: { early: [], late: [] }, seenMs: nowMs, touched: true };
      this.#lives.push(life);
    }
    life.touched = true;
    for (const values of [life.values, life.unseen.early, life.unseen.late]) values.push(value);
  }

  remove(name: Name, set: number): boolean {
    return this.#end((life) => life.name === name && life.set === set);
  }

  /** @returns what a collection must show, a line for each point. */
  collect(view: ViewName, nowMs: number): string[] {
    for (const life of this.#lives) if (life.touched) life.seenMs = nowMs;
    for (const life of this.#lives) life.touched = false;
    const idleSinceMs = nowMs - (this.#expireAfterMs ?? Infinity);
    this.#end((life) => life.seenMs < idleSinceMs);
    if (view === 'cumulative') return this.#lives.map((life) => lineOf(life, life.values, life.startMs)).sort();
    // What a set had before it came again is in one point with what it has since: two would be of the same time.
    const shown = [...this.#ended, ...this.#lives].filter((life) => life.unseen[view].length > 0);
    const sets = Map.groupBy(shown, ({ name, set }) => `${name} ${set}`).values();
    const startMs = Math.max(CREATED_MS, this.#since[view]);
    const lines = Array.from(sets, ([life, ...others]) => {
      assert.ok(life);
      return lineOf(
        life,
        [life, ...others].flatMap(({ unseen }) => unseen[view]),
        startMs,
      );
    });
    for (const life of shown) life.unseen[view].length = 0;
    this.#since[view] = nowMs;
    return lines.sort();
  }

  #end(which: (life: Life) => boolean): boolean {
    const ended = this.#lives.filter(which);
    this.#lives = this.#lives.filter((life) => !which(life));
    this.#ended.push(...ended);
    return ended.length > 0;
  }
}

function lineOf({ name, set }: Life, values: readonly number[], startMs: number): string {
  const sum = values.reduce((total, value) => total + value, 0);
  const rest = name === 'counter' ? {} : { count: values.length, min: Math.min(...values), max: Math.max(...values) };
  return JSON.stringify({ name, set, startMs, sum, ...rest });
}

function linesOf(metric: Metric): string[] {
  assert.ok(metric.kind !== 'summary' && metric.kind !== 'gauge');
  const points = metric.kind === 'histogram' ? at(metric.points, 0) : metric.points;
  return points.attributes.map((attributes, i) => {
    const line = { name: metric.name, set: attributes.set, startMs: at(points.startTimesMs, i) };
    if ('values' in points) return JSON.stringify({ ...line, sum: at(points.values, i) });
    if ('histograms' in points) {
      const { sum, count, min, max } = at(points.histograms, i);
      return JSON.stringify({ ...line, sum, count, min, max });
    }
    const [sum, count] = [at(points.sums, i), at(points.counts, i)];
    return JSON.stringify({ ...line, sum, count, min: points.mins?.[i], max: points.maxs?.[i] });
  });
}

async function run(steps: readonly Step[], expireAfterMs: number | undefined): Promise<void> {
  const { clock, meters, meter } = createNative();
  const expiry = expireAfterMs === undefined ? {} : { expireAfterMs };
  const instruments = {
    counter: meter.createCounter('counter', expiry),
    histogram: meter.createHistogram('histogram', expiry),
    exponential: meter.createHistogram('exponential', { ...expiry, aggregation: 'base2_exponential_bucket_histogram' }),
  };
  const views = {
    cumulative: meters.createView('cumulative'),
    early: meters.createView('delta'),
    late: meters.createView('low_memory'),
  };
  const model = new Model(expireAfterMs);
  const cells = new Map<string, (value: number) => void>();
  /** Held for the whole program, over removals and expiries. */
  const cellOf = (name: Name, set: number): ((value: number) => void) => {
    const key = `${name} ${set}`;
    let cell = cells.get(key);
    if (cell === undefined) {
      const bound = instruments[name].bind({ set });
      cell = 'add' in bound ? (value) => bound.add(value) : (value) => bound.record(value);
      cells.set(key, cell);
    }
    return cell;
  };
  const last: Step[] = (['early', 'late', 'cumulative'] as const).map((view) => ({ step: 'collect', view }));
  for (const each of [...steps, ...last]) {
    if (each.step === 'wait') clock.nowMs += each.ms;
    else if (each.step === 'collect') {
      const { scopes } = await views[each.view].collect(1000);
      const lines = scopes.flatMap(({ metrics }) => metrics.flatMap(linesOf)).sort();
      assert.deepEqual(lines, model.collect(each.view, clock.nowMs));
    } else if (each.step === 'remove') {
      assert.equal(instruments[each.name].remove({ set: each.set }), model.remove(each.name, each.set));
    } else {
      const { name, set, value, bound } = each;
      const instrument = instruments[name];
      if (bound) cellOf(name, set)(value);
      else if ('add' in instrument) instrument.add(value, { set });
      else instrument.record(value, { set });
      model.record(name, set, { value, nowMs: clock.nowMs });
    }
  }
}

const programs = fc.array(step, { maxLength: 120, size: 'max' });

describe('the lives of series', () => {
  it('are as the model has them, with removal', () =>
    fc.assert(
      fc.asyncProperty(programs, (steps) => run(steps, undefined)),
      runs(200),
    ));

  it('are as the model has them, with removal and expiry', () =>
    fc.assert(
      fc.asyncProperty(programs, fc.integer({ min: 1, max: 120 }), (steps, expireAfterMs) => run(steps, expireAfterMs)),
      runs(200),
    ));
});
