import type { Attributes, Metric, Snapshot } from '../metric/model.ts';
import { ByteWriter } from '../std/byte-writer.ts';
import { AttributeBytes } from './attribute-bytes.ts';
import { BatchWriter, type EncodedBatch } from './batch-writer.ts';
import { exponentialHistogramRows } from './exponential-histogram-rows.ts';
import { dataFrame, metricFrame, resourceFrame, scopeFrame } from './frames.ts';
import { histogramRows } from './histogram-rows.ts';
import { numberRows } from './number-rows.ts';
import type { RowWriter } from './row-writer.ts';
import { summaryRows } from './summary-rows.ts';

export type { EncodedBatch } from './batch-writer.ts';

/** Rows that no OTLP point can hold: of a count that is none, of attributes that cannot be read, of columns that are too short. */
export interface EncodeDrop {
  readonly metric: string;
  readonly points: number;
}

export interface EncodeOptions {
  /** A batch is longer only if a single point is. */
  readonly batchBytesMax: number;
  readonly drop: (dropped: EncodeDrop) => void;
}

export interface Encoder {
  /**
   * Encodes the snapshots, one for each resource, as ExportMetricsServiceRequests.
   *
   * Yields undefined where others may have their turn: after a millisecond of work at most. Takes whatever a source can give, and
   * reports what cannot be encoded by `drop`, once for each metric.
   *
   * Source: opentelemetry/proto/collector/metrics/v1/metrics_service.proto, opentelemetry/proto/metrics/v1/metrics.proto
   */
  encode(snapshots: readonly Snapshot[], options: EncodeOptions): Generator<EncodedBatch | undefined, void, undefined>;
}

/** The bytes of attribute sets, by where they are in a collection. */
type Kept = Map<string, AttributeBytes>;

interface Buffers {
  readonly out: ByteWriter;
  readonly scratch: ByteWriter;
}

interface Work {
  readonly batches: BatchWriter;
  readonly scratch: ByteWriter;
  readonly drop: EncodeOptions['drop'];
  /** What is left of a slice, in bytes. */
  budget: number;
}

const SLICE_BYTES = 64 * 1024;
/** What a row or a metric takes from a slice, besides its bytes. */
const STEP_BYTES = 128;

/** Keeps the bytes of attribute sets from call to call; use one for each reader. */
export function createEncoder(): Encoder {
  let kept: Kept = new Map();
  // Kept from call to call: to have megabytes made anew for each collection brings garbage collections.
  let spare: Buffers | undefined;
  return {
    *encode(snapshots, { batchBytesMax, drop }) {
      const used: Kept = new Map();
      const buffers = spare ?? { out: new ByteWriter(SLICE_BYTES), scratch: new ByteWriter(SLICE_BYTES) };
      spare = undefined;
      const batches = new BatchWriter(buffers.out, batchBytesMax);
      const work = { batches, scratch: buffers.scratch, drop, budget: SLICE_BYTES };
      for (const [place, { resource, scopes }] of snapshots.entries()) {
        batches.enter(0, resourceFrame(resource));
        for (const { scope, metrics } of scopes) {
          batches.enter(1, scopeFrame(scope));
          const path = `${place}/${scope.name}/${scope.version}`;
          for (const metric of metrics) {
            yield* encodeMetric(work, metric, (block, sets) =>
              bytesOf(sets, { kept, used, field: ATTRIBUTES[metric.kind], path: `${path}/${metric.name}/${block}` }),
            );
          }
        }
      }
      const last = batches.take();
      if (last !== undefined) yield last;
      kept = used;
      // One that had to grow for a huge point is not kept.
      if (buffers.out.bytes.length <= 2 * Math.max(batchBytesMax, SLICE_BYTES)) spare = buffers;
    },
  };
}

/** The fields of points. */
const ATTRIBUTES = { gauge: 7, sum: 7, histogram: 9, exponential_histogram: 1, summary: 7 } as const;

interface Place {
  readonly kept: Kept;
  readonly used: Kept;
  readonly field: number;
  /** Where there was another metric, its sets are not found. */
  readonly path: string;
}

function bytesOf(sets: readonly Attributes[], { kept, used, field, path }: Place): AttributeBytes {
  const key = `${field}/${path}`;
  const earlier = kept.get(key);
  const bytes = earlier?.sets === sets ? earlier : new AttributeBytes(sets, field, earlier);
  used.set(key, bytes);
  return bytes;
}

type AttributesOf = (block: number, sets: readonly Attributes[]) => AttributeBytes;

function* encodeMetric(
  work: Work,
  metric: Metric,
  attributesOf: AttributesOf,
): Generator<EncodedBatch | undefined, void, undefined> {
  const { batches, drop } = work;
  batches.enter(2, metricFrame(metric));
  batches.enter(3, dataFrame(metric));
  work.budget -= STEP_BYTES;
  let left = 0;
  for (const rows of rowWriters(batches.out, metric, attributesOf)) {
    let row = 0;
    left += rows.attributes.sets.length;
    while (row < rows.rows) {
      const outcome = advance(work, rows, row);
      row = outcome.row;
      left -= outcome.added;
      if (outcome.full) yield batches.take();
      else if (work.budget <= 0) {
        work.budget = SLICE_BYTES;
        yield undefined;
      }
    }
    rows.attributes.settle();
  }
  if (left > 0) drop({ metric: metric.name, points: left });
}

/** Adds rows from `row` on until it is someone else's turn. @returns the next row. */
function advance(work: Work, rows: RowWriter, row: number): { row: number; added: number; full: boolean } {
  const { batches, scratch } = work;
  const { out } = batches;
  let added = 0;
  let at = row;
  for (; at < rows.rows && work.budget > 0; at++) {
    work.budget -= rows.attributes.reach(at, scratch) * STEP_BYTES;
    const { length } = out;
    const outcome = batches.add(rows, at);
    if (outcome === 'full') return { row: at, added, full: true };
    if (outcome === 'added') added++;
    work.budget -= out.length - length + STEP_BYTES;
  }
  return { row: at, added, full: false };
}

function rowWriters(out: ByteWriter, metric: Metric, attributesOf: AttributesOf): RowWriter[] {
  switch (metric.kind) {
    case 'sum':
    case 'gauge':
      return [numberRows(out, metric, attributesOf(0, metric.points.attributes))];
    case 'histogram':
      return metric.points.map((points, i) => histogramRows(out, points, attributesOf(i, points.attributes)));
    case 'exponential_histogram':
      return [exponentialHistogramRows(out, metric.points, attributesOf(0, metric.points.attributes))];
    case 'summary':
      return metric.points.map((points, i) => summaryRows(out, points, attributesOf(i, points.attributes)));
  }
}
