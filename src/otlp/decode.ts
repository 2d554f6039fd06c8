import type { Metric, ScopeMetrics, Snapshot } from '../metric/model.ts';
import { type AttributesDraft, readAttribute } from './attributes.ts';
import {
  type HistogramRow,
  histogramPoints,
  type NumberRow,
  numberPoints,
  readHistogramPoint,
  readNumberPoint,
} from './points.ts';
import { ProtobufReader } from './protobuf-reader.ts';

export interface DecodedRequest {
  /** One per ResourceMetrics, in the order sent. */
  readonly snapshots: readonly Snapshot[];
  /**
   * Names of the metrics that the model has no place for: exponential histograms, summaries, sums and histograms without
   * temporality, metrics without data or with data of a kind that is not known here.
   */
  readonly unsupported: readonly string[];
}

/**
 * Decodes an ExportMetricsServiceRequest.
 *
 * Integers beyond 2^53 are rounded to the nearest double. Left out: points that are flagged NO_RECORDED_VALUE or carry no
 * value, metrics that have no other points, exemplars, minima and maxima, attributes of scopes, schema URLs of resources.
 * `attributes.ts` says how attribute values outside the model are represented.
 *
 * @throws ProtobufError if the bytes are not such a message or the buckets of a histogram point contradict each other.
 *
 * Source: opentelemetry/proto/collector/metrics/v1/metrics_service.proto, opentelemetry/proto/metrics/v1/metrics.proto
 */
export function decodeExportMetricsRequest(bytes: Uint8Array): DecodedRequest {
  const reader = new ProtobufReader(bytes);
  const snapshots: Snapshot[] = [];
  const unsupported: string[] = [];
  reader.fields((field) => {
    if (field === 1) snapshots.push(readResourceMetrics(reader, unsupported));
  });
  return { snapshots, unsupported };
}

/**
 * Encodes an ExportMetricsServiceResponse.
 *
 * @param partial left out for full success. `rejectedDataPoints`: a whole number; with 0 the message is only a warning.
 */
export function encodeExportMetricsResponse(partial?: {
  rejectedDataPoints: number;
  errorMessage: string;
}): Uint8Array {
  if (partial === undefined) return new Uint8Array(0);
  const message = new TextEncoder().encode(partial.errorMessage);
  const head = [0x08, ...varint(partial.rejectedDataPoints), 0x12, ...varint(message.length)];
  return Uint8Array.from([0x0a, ...varint(head.length + message.length), ...head, ...message]);
}

function readResourceMetrics(reader: ProtobufReader, unsupported: string[]): Snapshot {
  const resource: AttributesDraft = {};
  const scopes: ScopeMetrics[] = [];
  const onResource = (field: number): void => {
    if (field === 1) readAttribute(reader, resource);
  };
  reader.message((field) => {
    if (field === 1) reader.message(onResource);
    else if (field === 2) scopes.push(readScopeMetrics(reader, unsupported));
  });
  return { resource, scopes };
}

function readScopeMetrics(reader: ProtobufReader, unsupported: string[]): ScopeMetrics {
  const scope = { name: '', version: '', schemaUrl: '' };
  const metrics: Metric[] = [];
  const onScope = (field: number): void => {
    if (field === 1) scope.name = reader.string();
    else if (field === 2) scope.version = reader.string();
  };
  reader.message((field) => {
    if (field === 1) reader.message(onScope);
    else if (field === 2) {
      const draft = readMetric(reader);
      const metric = modelled(draft);
      if (metric === undefined) unsupported.push(draft.name);
      else if (draft.numbers.length + draft.histograms.length > 0) metrics.push(metric);
    } else if (field === 3) scope.schemaUrl = reader.string();
  });
  return { scope, metrics };
}

interface MetricDraft {
  name: string;
  description: string;
  unit: string;
  kind: Metric['kind'] | undefined;
  temporality: number;
  monotonic: boolean;
  numbers: NumberRow[];
  histograms: HistogramRow[];
}

const noData = { kind: undefined, temporality: 0, monotonic: false };

function readMetric(reader: ProtobufReader): MetricDraft {
  const draft: MetricDraft = { name: '', description: '', unit: '', ...noData, numbers: [], histograms: [] };
  // The data is a oneof: the last kind counts, several messages of that kind are one.
  const become = (kind: Metric['kind'] | undefined): void => {
    if (draft.kind !== kind) Object.assign(draft, noData, { kind, numbers: [], histograms: [] });
  };
  const onData = (field: number): void => {
    if (field === 1 && draft.kind === 'histogram') readHistogramPoint(reader, draft.histograms);
    else if (field === 1) readNumberPoint(reader, draft.numbers);
    else if (field === 2 && draft.kind !== 'gauge') draft.temporality = reader.int64();
    else if (field === 3 && draft.kind === 'sum') draft.monotonic = reader.int64() !== 0;
  };
  reader.message((field) => {
    if (field === 1) draft.name = reader.string();
    else if (field === 2) draft.description = reader.string();
    else if (field === 3) draft.unit = reader.string();
    else if (field === 10 || field === 11) become(undefined);
    else if (field === 5 || field === 7 || field === 9) {
      become(field === 5 ? 'gauge' : field === 7 ? 'sum' : 'histogram');
      reader.message(onData);
    }
  });
  return draft;
}

const temporalities = [undefined, 'delta', 'cumulative'] as const;

/** @returns nothing if the model has no place for it. */
function modelled({ name, description, unit, kind, monotonic, ...data }: MetricDraft): Metric | undefined {
  if (kind === 'gauge') return { name, description, unit, kind, points: numberPoints(data.numbers) };
  const temporality = temporalities[data.temporality];
  if (kind === undefined || temporality === undefined) return undefined;
  if (kind === 'sum') {
    return { name, description, unit, kind, monotonic, temporality, points: numberPoints(data.numbers) };
  }
  return { name, description, unit, kind, temporality, points: histogramPoints(data.histograms) };
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [128 + (value % 128), ...varint(Math.floor(value / 128))];
}
