import type { Metric } from '../metric/model.ts';
import {
  type ExponentialHistogramRow,
  exponentialHistogramPoints,
  readExponentialHistogramPoint,
} from './exponential-histogram-points.ts';
import { type HistogramRow, histogramPoints, readHistogramPoint } from './histogram-points.ts';
import { type NumberRow, numberPoints, readNumberPoint } from './points.ts';
import type { ProtobufReader } from './protobuf-reader.ts';
import { readSummaryPoint, type SummaryRow, summaryPoints } from './summary-points.ts';

export type MetricOutcome =
  | { readonly status: 'modelled'; readonly metric: Metric }
  /** None of its points has a value. */
  | { readonly status: 'empty' }
  /** The model has no place for it. */
  | { readonly status: 'unsupported'; readonly name: string };

/** The data of a metric, which is a oneof, so that only the rows of its kind are filled. */
interface Data {
  readonly kind: Metric['kind'] | undefined;
  temporality: number;
  monotonic: boolean;
  readonly numbers: NumberRow[];
  readonly histograms: HistogramRow[];
  readonly exponentials: ExponentialHistogramRow[];
  readonly summaries: SummaryRow[];
}

const KINDS: Readonly<Record<number, Metric['kind']>> = {
  5: 'gauge',
  7: 'sum',
  9: 'histogram',
  10: 'exponential_histogram',
  11: 'summary',
};

const TEMPORALITIES = [undefined, 'delta', 'cumulative'] as const;

/** Reads one Metric. */
export function readMetric(reader: ProtobufReader): MetricOutcome {
  const described = { name: '', description: '', unit: '' };
  let data = emptyData(undefined);
  reader.message((field) => {
    if (field === 1) described.name = reader.string();
    else if (field === 2) described.description = reader.string();
    else if (field === 3) described.unit = reader.string();
    else if (KINDS[field] !== undefined) {
      // Of several kinds the last counts, several messages of that kind are one.
      if (data.kind !== KINDS[field]) data = emptyData(KINDS[field]);
      readData(reader, data);
    }
  });
  const metric = toMetric(described, data);
  if (metric === undefined) return { status: 'unsupported', name: described.name };
  const { numbers, histograms, exponentials, summaries } = data;
  const rows = numbers.length + histograms.length + exponentials.length + summaries.length;
  return rows === 0 ? { status: 'empty' } : { status: 'modelled', metric };
}

function emptyData(kind: Metric['kind'] | undefined): Data {
  return { kind, temporality: 0, monotonic: false, numbers: [], histograms: [], exponentials: [], summaries: [] };
}

function readData(reader: ProtobufReader, data: Data): void {
  const { kind } = data;
  reader.message((field) => {
    if (field === 1) readPoint(reader, data);
    else if (field === 2 && kind !== 'gauge' && kind !== 'summary') data.temporality = reader.int64();
    else if (field === 3 && kind === 'sum') data.monotonic = reader.int64() !== 0;
  });
}

function readPoint(reader: ProtobufReader, { kind, numbers, histograms, exponentials, summaries }: Data): void {
  if (kind === 'histogram') readHistogramPoint(reader, histograms);
  else if (kind === 'exponential_histogram') readExponentialHistogramPoint(reader, exponentials);
  else if (kind === 'summary') readSummaryPoint(reader, summaries);
  else readNumberPoint(reader, numbers);
}

/** @returns nothing if the model has no place for it. */
function toMetric(described: Pick<Metric, 'name' | 'description' | 'unit'>, data: Data): Metric | undefined {
  const { kind, monotonic, numbers } = data;
  const integer = numbers.every((row) => row.integer);
  const temporality = TEMPORALITIES[data.temporality];
  if (kind === 'gauge') return { ...described, kind, integer, points: numberPoints(numbers) };
  if (kind === 'summary') return { ...described, kind, points: summaryPoints(data.summaries) };
  if (kind === undefined || temporality === undefined) return undefined;
  if (kind === 'sum') {
    return { ...described, kind, monotonic, integer, temporality, points: numberPoints(numbers) };
  }
  if (kind === 'histogram') {
    return { ...described, kind, temporality, points: histogramPoints(data.histograms) };
  }
  return { ...described, kind, temporality, points: exponentialHistogramPoints(data.exponentials) };
}
