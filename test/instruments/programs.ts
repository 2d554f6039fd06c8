import fc from 'fast-check';
import type { Attributes } from '@opentelemetry/api';
import type { TemporalityPreference } from '../../src/instruments/index.ts';

export const PREFERENCES: readonly TemporalityPreference[] = ['cumulative', 'delta', 'low_memory'];

export type Recorded = 'counter' | 'whole' | 'up_down' | 'gauge' | 'histogram' | 'exponential';
export type Observable = 'observed_counter' | 'observed_up_down' | 'observed_gauge';

export interface Recording {
  readonly step: 'record';
  readonly instrument: Recorded;
  readonly value: number;
  readonly attributes: Attributes;
  /** Through a bound instrument, if the engine has one. */
  readonly bound: boolean;
}

/** What a callback gives from now on, in place of what it gave. */
export interface Observing {
  readonly step: 'observe';
  readonly instrument: Observable;
  /** Of a counter: by how much each set has grown. */
  readonly readings: readonly (readonly [Attributes, number])[];
}

export interface Collecting {
  readonly step: 'collect';
  readonly view: TemporalityPreference;
}

export type Step = Recording | Observing | Collecting;

/** Few keys and values, so that sets meet again; the keys in any order, and values that are equal only at first sight. */
export const attributes: fc.Arbitrary<Attributes> = fc
  .tuple(
    fc.shuffledSubarray(['model', 'code', 'zone', 'tags', '7'], { maxLength: 4 }),
    fc.record({
      model: fc.constantFrom('iris', 'wine', ''),
      code: fc.constantFrom(1, '1', true, 0),
      zone: fc.constantFrom('north', 'south'),
      tags: fc.constantFrom(['x'], ['x', 'y'], [1], 'x'),
      '7': fc.constantFrom('seven', '7'),
    }),
  )
  .map(([keys, values]) => Object.fromEntries(keys.map((key) => [key, values[key as keyof typeof values]])));

/** Multiples of 1/1024 below 4096: sums of a few thousand of them are exact in doubles, in whatever order they are added. */
export const exact: fc.Arbitrary<number> = fc
  .tuple(fc.integer({ min: 1, max: 4095 }), fc.integer({ min: 0, max: 10 }))
  .map(([whole, digits]) => whole * 2 ** -digits);

/** Any of a size in which a sum of many says something about each. */
export const inexact: fc.Arbitrary<number> = fc.double({ min: 1e-3, max: 1e6, noNaN: true });

const signed = (value: fc.Arbitrary<number>): fc.Arbitrary<number> =>
  fc.tuple(value, fc.boolean()).map(([size, negative]) => (negative ? 0 - size : size));

export function programs(value: fc.Arbitrary<number>): fc.Arbitrary<readonly Step[]> {
  const recording = (instrument: Recorded, values: fc.Arbitrary<number>): fc.Arbitrary<Step> =>
    fc.record({
      step: fc.constant('record' as const),
      instrument: fc.constant(instrument),
      value: values,
      attributes,
      bound: fc.boolean(),
    });
  const observing = (instrument: Observable, values: fc.Arbitrary<number>): fc.Arbitrary<Step> =>
    fc.record({
      step: fc.constant('observe' as const),
      instrument: fc.constant(instrument),
      readings: fc.uniqueArray(fc.tuple(attributes, values), { maxLength: 4, selector: ([set]) => sortedText(set) }),
    });
  const collecting: fc.Arbitrary<Step> = fc.record({
    step: fc.constant('collect' as const),
    view: fc.constantFrom(...PREFERENCES),
  });
  const orZero = fc.oneof({ weight: 9, arbitrary: value }, fc.constant(0));
  const step = fc.oneof(
    { weight: 4, arbitrary: recording('counter', orZero) },
    // The SDK cuts fractions off, too, and says so each time.
    { weight: 2, arbitrary: recording('whole', orZero.map(Math.floor)) },
    { weight: 3, arbitrary: recording('up_down', signed(orZero)) },
    { weight: 2, arbitrary: recording('gauge', signed(orZero)) },
    { weight: 4, arbitrary: recording('histogram', orZero) },
    // Not zeros: when zeros alone are merged with other values, the SDK takes buckets of scale 0 for such of scale 20.
    { weight: 4, arbitrary: recording('exponential', value) },
    { weight: 2, arbitrary: observing('observed_counter', orZero) },
    { weight: 1, arbitrary: observing('observed_up_down', signed(orZero)) },
    { weight: 1, arbitrary: observing('observed_gauge', signed(orZero)) },
    { weight: 6, arbitrary: collecting },
  );
  return fc
    .array(step, { maxLength: 60, size: 'max' })
    .map((steps) => [...steps, ...PREFERENCES.map((view) => ({ step: 'collect', view }) as const)]);
}

export function sortedText(set: Attributes): string {
  return JSON.stringify(Object.entries(set).sort(([a], [b]) => (a < b ? -1 : 1)));
}
