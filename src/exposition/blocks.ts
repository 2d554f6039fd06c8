import type {
  Attributes,
  ExponentialHistogramPoints,
  HistogramPoints,
  Metric,
  NumberPoints,
  SummaryPoints,
} from '../metric/model.ts';
import type { Labels } from './labels.ts';

/** How the labels of rows are made. */
export interface Labelled {
  readonly labelsOf: (attributes: Attributes) => Labels;
  /** Equal only where `labelsOf` makes the same labels of the same attributes. */
  readonly origin: string;
}

/** Rows of one metric of one scope. */
export type Block = Labelled & {
  /** The OpenTelemetry name of the metric. */
  readonly metric: string;
} & (
    | {
        readonly kind: 'number';
        readonly points: NumberPoints;
        /** Whether it is a counter. */
        readonly monotonic: boolean;
      }
    | { readonly kind: 'histogram'; readonly points: HistogramPoints }
    | { readonly kind: 'exponential_histogram'; readonly points: ExponentialHistogramPoints }
    | { readonly kind: 'summary'; readonly points: SummaryPoints }
  );

interface Blocks {
  readonly blocks: readonly Block[];
  /** Series in them. */
  readonly rows: number;
  /** Series left out because their bounds or quantiles do not ascend, or a quantile is not within 0 and 1. */
  readonly badRows: number;
}

export function blocksOf(metric: Metric, labelled: Labelled): Blocks {
  const all = allBlocks(metric, labelled).filter(({ points }) => points.attributes.length > 0);
  const blocks = all.filter(
    (block) => ascend(stepsOf(block)) && (block.kind !== 'summary' || areQuantiles(block.points.quantiles)),
  );
  const rows = countRows(blocks);
  return { blocks, rows, badRows: countRows(all) - rows };
}

function allBlocks(metric: Metric, labelled: Labelled): readonly Block[] {
  const of = { ...labelled, metric: metric.name };
  switch (metric.kind) {
    case 'histogram':
      return metric.points.map((points) => ({ ...of, kind: 'histogram', points }));
    case 'summary':
      return metric.points.map((points) => ({ ...of, kind: 'summary', points }));
    case 'exponential_histogram':
      return [{ ...of, kind: 'exponential_histogram', points: metric.points }];
    case 'sum':
      return [{ ...of, kind: 'number', points: metric.points, monotonic: metric.monotonic }];
    case 'gauge':
      return [{ ...of, kind: 'number', points: metric.points, monotonic: false }];
  }
}

function countRows(blocks: readonly Block[]): number {
  return blocks.reduce((rows, { points }) => rows + points.attributes.length, 0);
}

/** What each row has a sample of. */
function stepsOf(block: Block): readonly number[] {
  if (block.kind === 'histogram') return block.points.bounds;
  return block.kind === 'summary' ? block.points.quantiles : [];
}

function areQuantiles(steps: readonly number[]): boolean {
  return steps.every((step) => step >= 0 && step <= 1);
}

/** Strictly, below +Inf, without NaN. */
function ascend(steps: readonly number[]): boolean {
  return steps.every((step, i) => step < (steps[i + 1] ?? Infinity));
}
