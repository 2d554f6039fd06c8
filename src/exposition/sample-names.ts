import type { Format } from './negotiation.ts';

/** `info` and `unknown` exist in OpenMetrics only. */
export type FamilyType = 'counter' | 'gauge' | 'histogram' | 'summary' | 'info' | 'unknown';

/** What a family and its samples are called in one format. */
export interface Named {
  readonly type: FamilyType;
  /** In the metadata. Unique. In OpenMetrics that of a counter has no `_total`. */
  readonly name: string;
  /** Of the samples, before the suffixes that those of histograms and summaries have: `x_total` of a counter. */
  readonly sample: string;
}

/**
 * What a type is in a format. Where a translation strategy leaves counters without `_total`, or with nothing before it, OpenMetrics has
 * no counters: they are of unknown type then, as Go's `expfmt` has it.
 */
export function toTyped({ type, sample, format }: { type: FamilyType; sample: string; format: Format }): Named {
  if (format !== 'openmetrics') return { type: type === 'info' ? 'gauge' : type, name: sample, sample };
  const suffix = { counter: '_total', info: '_info' }[type as string];
  if (suffix === undefined) return { type, name: sample, sample };
  if (!sample.endsWith(suffix) || sample === suffix) return { type: 'unknown', name: sample, sample };
  return { type, name: sample.slice(0, -suffix.length), sample };
}

/** The names of all samples that a family may have. @param options.created whether `_created` is among them. */
export function sampleNames({ type, name, sample }: Named, { created }: { created: boolean }): readonly string[] {
  const withCreated = (...names: string[]): string[] => (created ? [...names, `${name}_created`] : names);
  switch (type) {
    case 'histogram':
      return withCreated(`${sample}_bucket`, `${sample}_sum`, `${sample}_count`);
    case 'summary':
      return withCreated(sample, `${sample}_sum`, `${sample}_count`);
    case 'counter':
      return withCreated(sample);
    case 'gauge':
    case 'info':
    case 'unknown':
      return [sample];
  }
}
