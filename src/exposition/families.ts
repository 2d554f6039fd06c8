import type { Attributes, Metric, Scope, Snapshot } from '../metric/model.ts';
import { blocksOf, type Block } from './blocks.ts';
import { familyType, labelNaming, nameFamily, type NamingOptions } from './family-naming.ts';
import { createLabeller, readableAttributes, type Labels } from './labels.ts';
import { sampleNames, type FamilyType, type Named } from './sample-names.ts';

/** The series of one name. Valid but for its series: names, bounds and quantiles hold whatever the formats ask. */
export interface Family extends Named {
  /** Well-formed; empty = none. */
  readonly help: string;
  /** Words that the name ends with; empty = none. */
  readonly unit: string;
  readonly blocks: readonly Block[];
}

/**
 * - `no_name`: the name has no letter or digit of ASCII, where the translation strategy wants them.
 * - `delta_temporality`: Prometheus knows cumulative points only.
 * - `type_conflict`: a family of this name and another type came first.
 * - `name_conflict`: a sample name of the family is one of another family (histogram `x` and gauge `x_count`).
 * - `bad_bounds`: bounds of a histogram that do not ascend, or quantiles of a summary that do not, or not from 0 to 1.
 * - `bad_attributes`: attributes that cannot be read, or have no text.
 * - `bad_value`: a counter that is negative or not a number; a count that is none (negative, not whole, above 2^53); a native histogram
 *   that is coarser than schema -4.
 * - `no_sum`: a native histogram whose sum is not known.
 * - `duplicate_series`: the label set came before in this family.
 */
export const DROP_REASONS = [
  'no_name',
  'delta_temporality',
  'type_conflict',
  'name_conflict',
  'bad_bounds',
  'bad_attributes',
  'bad_value',
  'no_sum',
  'duplicate_series',
] as const;

export type DropReason = (typeof DROP_REASONS)[number];

export interface Dropped {
  /** The OpenTelemetry name of the metric. */
  readonly name: string;
  readonly reason: DropReason;
  /** How many of its series were left out for this reason. */
  readonly series: number;
}

export interface FamilyOptions extends NamingOptions {
  /** Whether series have the labels `otel_scope_*`. */
  readonly scopeInfo: boolean;
  /** Whether there is `target_info`, with the attributes of the resource as labels. */
  readonly targetInfo: boolean;
  /** Whether an attribute of the resource is a label of every series, by its key. */
  readonly isConstantLabel: (key: string) => boolean;
}

/**
 * Groups a snapshot into Prometheus' metric families, over all scopes, and leaves out what could not be on one page with the rest. Looks
 * at no series: that is the encoder's, in slices.
 *
 * First come, first served: the type, the help (if not empty), the unit and the name of a family are those met first.
 *
 * @param drop is told what was left out.
 * @yields now and then, so that others may have their turn.
 * @returns `target_info` first, then in the order of the snapshot.
 */
export function* groupFamilies(
  { resource, scopes }: Snapshot,
  options: FamilyOptions,
  drop: (dropped: Dropped) => void,
): Generator<undefined, readonly Family[], undefined> {
  const page: Page = { options, drafts: new Map(), taken: new Set(), drop };
  // One attribute of everybody's resource that has no text is no reason for a page without the others.
  const readable = readableAttributes(resource);
  if (options.targetInfo) addTargetInfo(page, readable);
  const constants = constantLabels(readable, options);
  let metricsLeft = METRICS_PER_STEP;
  for (const { scope, metrics } of scopes) {
    const labelling = labellingOf(scope, constants, options);
    for (const metric of metrics) {
      addMetric(page, metric, { type: familyType(metric), labelling });
      if (--metricsLeft > 0) continue;
      yield;
      metricsLeft = METRICS_PER_STEP;
    }
  }
  return [...page.drafts.values()];
}

interface Draft extends Family {
  readonly declared: FamilyType;
  help: string;
  readonly blocks: Block[];
}

const METRICS_PER_STEP = 64;

interface Page {
  readonly options: FamilyOptions;
  readonly drafts: Map<string, Draft>;
  /** Names of all samples and families. */
  readonly taken: Set<string>;
  readonly drop: (dropped: Dropped) => void;
}

/** A scope's way of making labels; `origin` tells those apart that make different ones of the same attributes. */
interface Labelling {
  readonly origin: string;
  readonly labelsOf: (kind: Metric['kind']) => (attributes: Attributes) => Labels;
}

function constantLabels(resource: Attributes, options: FamilyOptions): Labels {
  const chosen = Object.entries(resource).filter(([key]) => options.isConstantLabel(key));
  return [...createLabeller({ nameOf: labelNaming(options) })(Object.fromEntries(chosen))];
}

function addTargetInfo(page: Page, resource: Attributes): void {
  const labelsOf = createLabeller({ nameOf: labelNaming(page.options) });
  if (labelsOf(resource).length === 0) return;
  const unknown = new Float64Array(1);
  const points = { attributes: [resource], startTimesMs: unknown, timesMs: unknown, values: Float64Array.of(1) };
  const metric: Metric = { kind: 'gauge', name: 'target_info', description: 'Target metadata', unit: '', points };
  addMetric(page, metric, { type: 'info', labelling: { origin: '', labelsOf: () => labelsOf } });
}

function labellingOf(scope: Scope, constants: Labels, options: FamilyOptions): Labelling {
  const nameOf = labelNaming(options);
  const shown = options.scopeInfo ? scope : undefined;
  const labellerWith = (reserved?: string) => createLabeller({ nameOf, scope: shown, reserved, constants });
  const [numbers, histograms, summaries] = [labellerWith(), labellerWith('le'), labellerWith('quantile')];
  return {
    origin: JSON.stringify([shown?.name, shown?.version, shown?.schemaUrl, constants]),
    labelsOf: (kind) => {
      if (kind === 'summary') return summaries;
      return kind === 'histogram' || kind === 'exponential_histogram' ? histograms : numbers;
    },
  };
}

function addMetric(
  page: Page,
  metric: Metric,
  { type, labelling: { origin, labelsOf } }: { type: FamilyType; labelling: Labelling },
): void {
  const drop = (reason: DropReason, series: number): void => {
    if (series > 0) page.drop({ name: metric.name, reason, series });
  };
  const { blocks, rows, badRows } = blocksOf(metric, { origin, labelsOf: labelsOf(metric.kind) });
  if ('temporality' in metric && metric.temporality === 'delta') {
    drop('delta_temporality', rows + badRows);
    return;
  }
  drop('bad_bounds', badRows);
  if (rows === 0) return; // What has no series claims no name.

  const draft = openFamily(page, metric, type);
  if (typeof draft === 'string') {
    drop(draft, rows);
    return;
  }
  if (draft.help === '') draft.help = metric.description.toWellFormed();
  draft.blocks.push(...blocks);
}

function openFamily({ options, drafts, taken }: Page, metric: Metric, declared: FamilyType): Draft | DropReason {
  const named = nameFamily(metric, declared, options);
  if (named === undefined) return 'no_name';
  const known = drafts.get(named.name);
  // Not the type that the format has for it: nobody else's gauge is part of `target_info`.
  if (known !== undefined) return known.declared === declared ? known : 'type_conflict';
  const names = [named.name, ...sampleNames(named, { created: options.format === 'openmetrics' })];
  if (names.some((name) => taken.has(name))) return 'name_conflict';
  for (const name of names) taken.add(name);

  const draft: Draft = { ...named, declared, help: '', blocks: [] };
  drafts.set(named.name, draft);
  return draft;
}
