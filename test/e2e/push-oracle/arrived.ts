import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Snapshot } from '../../../src/metric/model.ts';
import { SERIES, type Sayings } from './protocol.ts';

/** One request that a receiver keeps. */
export interface Kept {
  /** Two are the same batch when these are the same. */
  readonly bytes: Buffer;
  readonly snapshots: readonly Snapshot[];
}

interface Point {
  readonly series: string;
  readonly step: number;
  readonly timeMs: number;
}

export interface Arrived {
  /** Those that came again left out, in the order of their first arrival. */
  readonly batches: readonly { readonly timeMs: number; readonly points: readonly Point[] }[];
  readonly duplicates: number;
}

export function arrivedOf(kept: readonly Kept[]): Arrived {
  const seen = new Set<string>();
  const batches = kept.flatMap(({ bytes, snapshots }) => {
    const hash = createHash('sha256').update(bytes).digest('base64');
    if (seen.has(hash)) return [];
    seen.add(hash);
    const points = pointsOf(snapshots);
    return { timeMs: Math.max(...points.map(({ timeMs }) => timeMs)), points };
  });
  return { batches, duplicates: kept.length - batches.length };
}

export interface Fate {
  /** Acknowledged steps of which something was dropped, and said so. */
  readonly dropped: number;
  /** Steps that were not acknowledged, and of which nothing has arrived. */
  readonly forgotten: number;
}

/** Every series of an acknowledged step exactly once, as it was recorded, unless it is said to be dropped; nothing twice that is not the same batch. */
export function assertArrived({ batches }: Arrived, { recorded, acknowledged, dropped }: Sayings): Fate {
  const counts = new Map<number, number>();
  const points = new Set<string>();
  for (const { series, step, timeMs } of batches.flatMap((batch) => batch.points)) {
    const fromMs = recorded.get(step);
    assert.ok(fromMs !== undefined, `nobody recorded ${step}`);
    const toMs = acknowledged.get(step) ?? Infinity;
    // What was collected in a millisecond has a time within it.
    assert.ok(timeMs >= fromMs && timeMs < toMs + 1, `step ${step} has time ${timeMs}, not ${fromMs} to ${toMs}`);
    assert.ok(!points.has(`${step} ${series}`), `step ${step} of ${series} came in two batches, ${timeMs}`);
    points.add(`${step} ${series}`);
    counts.set(step, (counts.get(step) ?? 0) + 1);
  }
  const missing = [...acknowledged].filter(([step]) => counts.get(step) !== SERIES);
  const unsaid = missing.filter(
    ([step, at]) => !dropped.some(({ from, to }) => from <= at && to >= (recorded.get(step) ?? at)),
  );
  assert.deepEqual(unsaid, [], 'lost without a word');
  const lost = missing.reduce((sum, [step]) => sum + SERIES - (counts.get(step) ?? 0), 0);
  const said = dropped.reduce((sum, { points: each }) => sum + each, 0);
  assert.ok(lost <= said, `${lost} points are lost, and only ${said} of them with a word`);
  const forgotten = [...recorded.keys()].filter((step) => !acknowledged.has(step) && !counts.has(step));
  return { dropped: missing.length, forgotten: forgotten.length };
}

export function assertOldestFirst({ batches }: Arrived): void {
  const times = batches.map(({ timeMs }) => timeMs);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
}

/** Of the one metric. */
function pointsOf(snapshots: readonly Snapshot[]): Point[] {
  return snapshots
    .flatMap(({ scopes }) => scopes)
    .flatMap(({ metrics }) => metrics)
    .flatMap((metric) => {
      if (metric.kind !== 'sum') throw new Error(`nobody asked for ${metric.name}`);
      const { attributes, values, timesMs } = metric.points;
      return attributes.map((each, row) => ({
        series: String(each['inference.model.name']),
        step: values[row] ?? NaN,
        timeMs: timesMs[row] ?? NaN,
      }));
    });
}
