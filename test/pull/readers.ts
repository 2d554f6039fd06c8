import { randomBytes } from 'node:crypto';
import { emptyResource } from '@opentelemetry/resources';
import type { Metric, NumberPoints, Snapshot } from '../../src/metric/model.ts';
import { toSdk } from '../../src/metric/to-sdk.ts';
import type { Collection, Reader } from '../../src/telemetry/engine.ts';

export function collectionOf(snapshot: Snapshot): Collection {
  return { snapshot, resourceMetrics: () => toSdk(snapshot, emptyResource()), errors: [] };
}

/** A reader that gives the same each time. */
export function readerOf(snapshot: Snapshot): Reader {
  return { collect: () => Promise.resolve(collectionOf(snapshot)) };
}

export interface GatedReader extends Reader {
  /** What it was called with, call by call. */
  readonly timeoutsMs: readonly (number | undefined)[];
  /** Calls are not answered until it is opened; it is open at first. */
  readonly close: () => void;
  readonly open: () => void;
}

/** A reader that counts, and that can be made to take its time. */
export function createGatedReader(reader: Reader): GatedReader {
  const timeoutsMs: (number | undefined)[] = [];
  let gate = Promise.withResolvers<undefined>();
  gate.resolve(undefined);
  return {
    timeoutsMs,
    close: () => (gate = Promise.withResolvers<undefined>()),
    open: () => gate.resolve(undefined),
    collect: async (timeoutMs) => {
      timeoutsMs.push(timeoutMs);
      await gate.promise;
      return reader.collect(timeoutMs);
    },
  };
}

export function snapshotOf(...metrics: readonly Metric[]): Snapshot {
  return { resource: {}, scopes: [{ scope: { name: 'test', version: '', schemaUrl: '' }, metrics }] };
}

/** Series of a gauge with the labels `n` (their index) and, if asked for, `text`; their values are their index. */
export function gaugeOf(name: string, series: number, text?: (n: number) => string): Metric {
  const points = {
    attributes: Array.from({ length: series }, (_, n) => ({ n, ...(text && { text: text(n) }) })),
    startTimesMs: new Float64Array(series),
    timesMs: new Float64Array(series),
    values: Float64Array.from({ length: series }, (_, n) => n),
  };
  return { kind: 'gauge', name, unit: '', description: '', points };
}

/** 20 MB, more than the buffers of a connection hold, however they are compressed. */
export function hugeGauge(name: string): Metric {
  return gaugeOf(name, 400, () => randomBytes(37_500).toString('base64'));
}

/** The same metric, with somebody to be told before a value of it is read. */
export function watchedGauge(gauge: Metric, onRow: (row: number) => void): Metric {
  if (gauge.kind !== 'gauge') throw new Error('only gauges can be watched');
  const values = new Proxy(gauge.points.values, {
    get: (target, key) => {
      if (typeof key === 'string' && /^\d+$/.test(key)) onRow(Number(key));
      const own = Reflect.get(target, key, target) as unknown;
      return typeof own === 'function' ? (own.bind(target) as unknown) : own;
    },
  });
  const points: NumberPoints = { ...gauge.points, values };
  return { ...gauge, points };
}
