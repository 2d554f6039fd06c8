import type { Attributes, Exemplar } from '../metric/model.ts';

/**
 * Samples as `getMetricsAsJSON()` of the JavaScript clients for Prometheus returns them, read back into series. What comes in is
 * foreign and partly alive (a counter's samples are its own cells), so it is narrowed and copied here and nothing of it goes out.
 */
export type Fields = Readonly<Record<string, unknown>>;

export type Sample = Fields & { readonly value: number };

/** One series of a histogram or summary. */
export interface Series {
  readonly attributes: Attributes;
  readonly sum: number;
  readonly count: number;
  /** Bounds without +Inf, or quantiles; strictly ascending. */
  readonly places: readonly number[];
  /** Counts of the buckets, not accumulated and one more than there are bounds; or the values at the quantiles. */
  readonly values: readonly number[];
  /** Of the buckets; none in a summary. */
  readonly exemplars: readonly (Exemplar | undefined)[];
}

export function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

export function isSample(value: unknown): value is Sample {
  return isRecord(value) && typeof value.value === 'number';
}

/** @param without names of labels that are not wanted. */
export function toAttributes(labels: unknown, without: readonly unknown[] = []): Attributes {
  return Object.fromEntries(toEntries(labels, without));
}

function toEntries(labels: unknown, without: readonly unknown[]): [string, string][] {
  const entries = Object.entries(isRecord(labels) ? labels : {});
  return entries.filter(([key]) => !without.includes(key)).map(([key, value]) => [key, String(value)]);
}

/** @returns the consistent ones. */
export function readHistogram(name: string, samples: readonly Sample[]): Series[] {
  return gather({ name, samples, label: 'le' }).flatMap((draft) => toHistogramSeries(draft) ?? []);
}

/** @returns the consistent ones. */
export function readSummary(name: string, samples: readonly Sample[]): Series[] {
  return gather({ name, samples, label: 'quantile' }).flatMap((draft) => toSummarySeries(draft) ?? []);
}

interface Part {
  readonly place: number;
  readonly value: number;
  readonly exemplar: Exemplar | undefined;
}

interface Draft {
  readonly attributes: Attributes;
  readonly parts: Part[];
  sum?: number;
  count?: number;
}

/** An aggregated registry has the buckets of all series before the first sum, so that neighbours say nothing. */
function gather({ name, samples, label }: { name: string; samples: readonly Sample[]; label: string }): Draft[] {
  const drafts = new Map<string, Draft>();
  for (const { metricName, labels, value, exemplar } of samples) {
    const entries = toEntries(labels, [label]).sort(([a], [b]) => (a < b ? -1 : 1));
    const key = JSON.stringify(entries);
    let draft = drafts.get(key);
    if (draft === undefined) drafts.set(key, (draft = { attributes: Object.fromEntries(entries), parts: [] }));

    if (metricName === `${name}_sum`) draft.sum = value;
    else if (metricName === `${name}_count`) draft.count = value;
    else if (isRecord(labels) && label in labels) {
      const place = labels[label] === '+Inf' ? Infinity : Number(labels[label]);
      draft.parts.push({ place, value, exemplar: toExemplar(exemplar) });
    }
  }
  return [...drafts.values()];
}

function toHistogramSeries({ attributes, sum, count, parts }: Draft): Series | undefined {
  if (sum === undefined || !isCount(count)) return undefined;
  const bounds: number[] = [];
  const values: number[] = [];
  const exemplars: (Exemplar | undefined)[] = [];
  let below = 0;
  const whole = { place: Infinity, value: count, exemplar: undefined };
  for (const { place, value, exemplar } of [...parts, whole].sort(byPlace)) {
    if (Number.isNaN(place) || !isCount(value) || value < below) return undefined;
    if (place === bounds.at(-1)) {
      // +Inf comes as a bucket and as the count, and before them where a user has it among his bounds: with the exemplar, then.
      if (value !== below) return undefined;
      continue;
    }
    bounds.push(place);
    values.push(value - below);
    exemplars.push(exemplar);
    below = value;
  }
  return { attributes, sum, count, places: bounds.slice(0, -1), values, exemplars };
}

function toSummarySeries({ attributes, sum, count, parts }: Draft): Series | undefined {
  if (sum === undefined || !isCount(count)) return undefined;
  const valid = parts.filter(({ place }) => place >= 0 && place <= 1).sort(byPlace);
  const values = new Map(valid.map(({ place, value }) => [place, value]));
  return { attributes, sum, count, places: [...values.keys()], values: [...values.values()], exemplars: [] };
}

function byPlace(a: Part, b: Part): number {
  return a.place - b.place;
}

function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0;
}

/** OpenMetrics' names of these labels, and those of the packages' own examples. */
const TRACE_ID = { keys: ['trace_id', 'traceId'], format: /^[0-9a-f]{32}$/i };
const SPAN_ID = { keys: ['span_id', 'spanId'], format: /^[0-9a-f]{16}$/i };

/** @returns undefined if it has no value: one whose labels were refused for their length stays in its cell, empty. */
export function toExemplar(exemplar: unknown): Exemplar | undefined {
  if (!isSample(exemplar) || typeof exemplar.timestamp !== 'number') return undefined;
  const labels = toAttributes(exemplar.labelSet);
  const idOf = ({ keys, format }: typeof TRACE_ID) => keys.find((key) => format.test(String(labels[key])));
  const [traceKey, spanKey] = [idOf(TRACE_ID), idOf(SPAN_ID)];
  const attributes = toAttributes(labels, [traceKey, spanKey]);
  return {
    value: exemplar.value,
    timeMs: exemplar.timestamp * 1000, // Theirs are in seconds.
    traceId: traceKey === undefined ? '' : String(labels[traceKey]).toLowerCase(),
    spanId: spanKey === undefined ? '' : String(labels[spanKey]).toLowerCase(),
    ...(Object.keys(attributes).length === 0 ? {} : { attributes }),
  };
}
