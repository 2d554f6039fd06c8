import assert from 'node:assert/strict';
import type { Exemplar, ExponentialHistogram, Metric, ScopeMetrics, Temporality } from '../../src/metric/model.ts';
import { createMeters, type ExemplarFilter, type View } from '../../src/instruments/index.ts';

/** How often a property is tried: 50 times as often with METERGATE_LONG=1. */
export function runs(often: number): { numRuns: number } {
  return { numRuns: process.env.METERGATE_LONG === '1' ? often * 50 : often };
}

interface NativeOptions {
  readonly limit?: number;
  readonly filter?: ExemplarFilter;
}

/** The engine on a clock that stands still until the test moves it. */
export function createNative({ limit = 2000, filter = 'always_off' }: NativeOptions = {}) {
  const clock = { nowMs: 1000 };
  const meters = createMeters({ cardinalityLimit: limit, exemplarFilter: filter, nowMs: () => clock.nowMs });
  return { clock, meters, meter: meters.getMeter({ name: 'test' }) };
}

export interface HistogramValue {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly count: number;
  readonly sum: number;
  readonly min: number | undefined;
  readonly max: number | undefined;
}

/** One row of a metric, so that it can be compared on its own. */
export interface Point {
  readonly kind: Metric['kind'];
  readonly temporality: Temporality | undefined;
  readonly startMs: number;
  readonly timeMs: number;
  readonly value: number | HistogramValue | ExponentialHistogram | { readonly count: number; readonly sum: number };
  readonly exemplars: readonly Exemplar[];
}

/** By name and attributes, the keys in order: `sold`, `sold {"kind":"tea"}`. Two of the same series are an error. */
export type Points = ReadonlyMap<string, Point>;

export function seriesOf(name: string, attributes: object): string {
  const entries = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return name;
  const text = (_: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  return `${name} ${JSON.stringify(Object.fromEntries(entries), text)}`;
}

export function toPoints(scopes: readonly ScopeMetrics[]): Points {
  const points = new Map<string, Point>();
  for (const metric of scopes.flatMap(({ metrics }) => metrics)) {
    const temporality = 'temporality' in metric ? metric.temporality : undefined;
    for (const { attributes, ...rest } of rowsOf(metric)) {
      const series = seriesOf(metric.name, attributes);
      assert.ok(!points.has(series), `${series} is there twice`);
      points.set(series, { kind: metric.kind, temporality, ...rest });
    }
  }
  return points;
}

type Row = Omit<Point, 'kind' | 'temporality'> & { readonly attributes: object };

function rowsOf(metric: Metric): Row[] {
  switch (metric.kind) {
    case 'sum':
    case 'gauge': {
      const { points } = metric;
      const exemplars = points.exemplars ?? [];
      return points.attributes.map((_, i) => ({
        ...timesAt(points, i),
        value: at(points.values, i),
        exemplars: defined([exemplars[i]]),
      }));
    }
    case 'histogram':
      return metric.points.flatMap((points) =>
        points.attributes.map((_, i) => {
          const width = points.bounds.length + 1;
          const [from, to] = [i * width, (i + 1) * width];
          const value = {
            bounds: points.bounds,
            counts: [...points.bucketCounts.slice(from, to)],
            count: at(points.counts, i),
            sum: at(points.sums, i),
            min: points.mins?.[i],
            max: points.maxs?.[i],
          };
          return { ...timesAt(points, i), value, exemplars: defined(points.exemplars?.slice(from, to) ?? []) };
        }),
      );
    case 'exponential_histogram': {
      const { points } = metric;
      return points.attributes.map((_, i) => ({
        ...timesAt(points, i),
        value: at(points.histograms, i),
        exemplars: points.exemplars?.[i] ?? [],
      }));
    }
    case 'summary':
      return metric.points.flatMap((points) =>
        points.attributes.map((_, i) => ({
          ...timesAt(points, i),
          value: { count: at(points.counts, i), sum: at(points.sums, i) },
          exemplars: [],
        })),
      );
  }
}

interface Times {
  readonly attributes: readonly object[];
  readonly startTimesMs: Float64Array;
  readonly timesMs: Float64Array;
}

function timesAt(points: Times, i: number) {
  return { attributes: at(points.attributes, i), startMs: at(points.startTimesMs, i), timeMs: at(points.timesMs, i) };
}

/** What must be there: columns that are too short are an error. */
export function at<T>(column: ArrayLike<T>, i: number): T {
  const value = column[i];
  assert.ok(value !== undefined && i < column.length, `there is no row ${i}`);
  return value;
}

function defined<T>(values: readonly (T | undefined)[]): T[] {
  return values.filter((value) => value !== undefined);
}

/** One collection without errors. */
export async function collect(view: View): Promise<Points> {
  const { scopes, errors } = await view.collect(1000);
  assert.deepEqual(errors, []);
  return toPoints(scopes);
}

/** One collection: the plain numbers; of histograms the counts. */
export async function valuesOf(view: View): Promise<Record<string, number>> {
  return Object.fromEntries([...(await collect(view))].map(([series, { value }]) => [series, numberOf(value)]));
}

export function numberOf(value: Point['value']): number {
  return typeof value === 'number' ? value : value.count;
}
