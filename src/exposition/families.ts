import type { Attributes, HistogramPoints, Metric, NumberPoints, Snapshot, SummaryPoints } from '../metric/model.ts';
import { createLabeller, labelsKey, type Labels } from './labels.ts';
import { metricName } from './names.ts';

/** Rows of one metric of one scope. `labels[i]` belongs to row `i` of `points`; undefined = the row is left out. */
export interface SeriesBlock<Points> {
  readonly labels: readonly (Labels | undefined)[];
  readonly points: Points;
}

interface FamilyOf<Type extends string, Points> {
  /** Unique; of a counter with `_total`. */
  readonly name: string;
  readonly type: Type;
  /** Empty = none. */
  readonly help: string;
  readonly blocks: readonly SeriesBlock<Points>[];
}

export type NumberFamily = FamilyOf<'counter' | 'gauge', NumberPoints>;
export type HistogramFamily = FamilyOf<'histogram', HistogramPoints>;
export type SummaryFamily = FamilyOf<'summary', SummaryPoints>;
/** Valid: names, label sets, bounds and quantiles hold whatever the formats ask, so encoders check nothing. */
export type Family = NumberFamily | HistogramFamily | SummaryFamily;

/**
 * - `unsupported_kind`: an exponential histogram, for which text 0.0.4 has no type.
 * - `no_name`: the name has no letter or digit of ASCII.
 * - `delta_temporality`: Prometheus knows cumulative points only.
 * - `type_conflict`: a family of this name and another type came first.
 * - `name_conflict`: a sample name of the family is one of another family (histogram `x` and gauge `x_count`).
 * - `bad_bounds`: bounds of a histogram, or quantiles of a summary, that do not ascend.
 * - `duplicate_series`: the label set came before in this family.
 */
export type DropReason =
  | 'unsupported_kind'
  | 'no_name'
  | 'delta_temporality'
  | 'type_conflict'
  | 'name_conflict'
  | 'bad_bounds'
  | 'duplicate_series';

export interface Dropped {
  /** The OpenTelemetry name of the metric. */
  readonly name: string;
  readonly reason: DropReason;
  /** How many of its series were left out for this reason. */
  readonly series: number;
}

export interface Families {
  /** `target_info` first, then in the order of the snapshot. */
  readonly families: readonly Family[];
  readonly dropped: readonly Dropped[];
}

/**
 * Groups a snapshot into Prometheus' metric families, over all scopes, and leaves out what could not be on one page with the rest.
 * First come, first served: the type, the help (if not empty), the name and each series of a family are those met first.
 * The attributes of the resource become the labels of the gauge `target_info`.
 */
export function toFamilies({ resource, scopes }: Snapshot): Families {
  const page: Page = { drafts: new Map(), sampleNames: new Set(), dropped: [] };
  const labelTarget = createLabeller({});
  if (labelTarget(resource).length > 0) addMetric(page, labelTarget, targetInfo(resource));
  for (const { scope, metrics } of scopes) {
    const labelNumber = createLabeller({ scope });
    const labelHistogram = createLabeller({ scope, reserved: ['le'] });
    const labelSummary = createLabeller({ scope, reserved: ['quantile'] });
    for (const metric of metrics) {
      const { kind } = metric;
      addMetric(page, kind === 'histogram' ? labelHistogram : kind === 'summary' ? labelSummary : labelNumber, metric);
    }
  }
  return { families: [...page.drafts.values()].map(toFamily), dropped: page.dropped };
}

type Labeller = ReturnType<typeof createLabeller>;
type Points = NumberPoints | HistogramPoints | SummaryPoints;

/** What the page has a type for. */
type PageMetric = Exclude<Metric, { kind: 'exponential_histogram' }>;

const SAMPLE_SUFFIXES: Readonly<Record<Family['type'], readonly string[]>> = {
  counter: [''],
  gauge: [''],
  histogram: ['', '_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

interface Draft {
  readonly name: string;
  readonly type: Family['type'];
  help: string;
  readonly blocks: SeriesBlock<Points>[];
  /** Keys of the label sets so far. */
  readonly seen: Set<string>;
}

interface Page {
  readonly drafts: Map<string, Draft>;
  /** Of all families, and the names of the families themselves. */
  readonly sampleNames: Set<string>;
  readonly dropped: Dropped[];
}

function toFamily({ name, type, help, blocks }: Draft): Family {
  // `openFamily` lets only metrics of the family's type in, and that decides the kind of its points.
  return { name, type, help, blocks } as Family;
}

function targetInfo(resource: Attributes): Metric {
  const unknown = new Float64Array(1);
  return {
    kind: 'gauge',
    name: 'target_info',
    description: 'Target metadata',
    unit: '',
    points: { attributes: [resource], startTimesMs: unknown, timesMs: unknown, values: Float64Array.of(1) },
  };
}

function addMetric(page: Page, label: Labeller, metric: Metric): void {
  const drop = (reason: DropReason, series: number): void => {
    if (series > 0) page.dropped.push({ name: metric.name, reason, series });
  };
  if (metric.kind === 'exponential_histogram') {
    drop('unsupported_kind', metric.points.attributes.length);
    return;
  }
  const all = metric.kind === 'histogram' || metric.kind === 'summary' ? metric.points : [metric.points];
  if ('temporality' in metric && metric.temporality === 'delta') {
    drop('delta_temporality', countRows(all));
    return;
  }
  const valid = all.filter((points) => ascend(stepsOf(points)));
  const rows = countRows(valid);
  drop('bad_bounds', countRows(all) - rows);
  if (rows === 0) return; // What has no series claims no name.

  const draft = openFamily(page, metric);
  if (typeof draft === 'string') {
    drop(draft, rows);
    return;
  }
  if (draft.help === '') draft.help = metric.description.toWellFormed();
  drop('duplicate_series', addRows(draft, label, valid));
}

function countRows(blocks: readonly Points[]): number {
  return blocks.reduce((rows, { attributes }) => rows + attributes.length, 0);
}

/** What each row has a sample of. */
function stepsOf(points: Points): readonly number[] {
  if ('bounds' in points) return points.bounds;
  return 'quantiles' in points ? points.quantiles : [];
}

/** Strictly, below +Inf, without NaN. */
function ascend(steps: readonly number[]): boolean {
  return steps.every((step, i) => step < (steps[i + 1] ?? Infinity));
}

function openFamily(page: Page, metric: PageMetric): Draft | DropReason {
  const kind = metric.kind !== 'sum' ? metric.kind : metric.monotonic ? 'counter' : 'up_down_counter';
  const type = kind === 'up_down_counter' ? 'gauge' : kind;
  // Histograms and summaries have their suffixes on the samples, so that both are named alike.
  const name = metricName({ name: metric.name, unit: metric.unit, kind: kind === 'summary' ? 'histogram' : kind });
  if (name === '') return 'no_name';

  const known = page.drafts.get(name);
  if (known !== undefined) return known.type === type ? known : 'type_conflict';

  const sampleNames = SAMPLE_SUFFIXES[type].map((suffix) => name + suffix);
  if (sampleNames.some((sampleName) => page.sampleNames.has(sampleName))) return 'name_conflict';
  for (const sampleName of sampleNames) page.sampleNames.add(sampleName);

  const draft: Draft = { name, type, help: '', blocks: [], seen: new Set() };
  page.drafts.set(name, draft);
  return draft;
}

/** @returns how many rows were left out because their label set is in the family already. */
function addRows(draft: Draft, label: Labeller, blocks: readonly Points[]): number {
  let duplicates = 0;
  const labelRow = (attributes: Attributes): Labels | undefined => {
    const labels = label(attributes);
    const key = labelsKey(labels);
    if (draft.seen.has(key)) {
      duplicates += 1;
      return undefined;
    }
    draft.seen.add(key);
    return labels;
  };
  for (const points of blocks) draft.blocks.push({ labels: points.attributes.map(labelRow), points });
  return duplicates;
}
