import type { Metric } from '../metric/model.ts';
import { escapeLabel, escapeName, isClassicLabel, isClassicName, type Escaping } from './escaping.ts';
import { withoutNul } from './labels.ts';
import { labelName, translateName, type NameParts, type TranslationStrategy } from './names.ts';
import type { Format } from './negotiation.ts';
import { toTyped, type FamilyType, type Named } from './sample-names.ts';

export interface NamingOptions {
  readonly format: Format;
  readonly escaping: Escaping;
  readonly strategy: TranslationStrategy;
}

/** The label name of an attribute key. */
export function labelNaming({ strategy, escaping }: Pick<NamingOptions, 'strategy' | 'escaping'>) {
  return (key: string): string => {
    const name = withoutNul(labelName(key, strategy));
    // As Go's targets do, which have no need to escape what is classic (`dots` would).
    return isClassicLabel(name) ? name : escapeLabel(name, escaping);
  };
}

export function familyType(metric: Metric): FamilyType {
  switch (metric.kind) {
    case 'sum':
      return metric.monotonic ? 'counter' : 'gauge';
    case 'exponential_histogram':
      return 'histogram';
    default:
      return metric.kind;
  }
}

/** @returns what a metric and its unit are called on a page; undefined if it has no name there. */
export function nameFamily(
  metric: Metric,
  type: FamilyType,
  { format, escaping, strategy }: NamingOptions,
): (Named & { readonly unit: string }) | undefined {
  const translated = translateName({ name: metric.name, unit: metric.unit, kind: nameKind(metric) }, strategy);
  const name = withoutNul(translated.name);
  const sample = isClassicName(name) ? name : escapeName(name, escaping);
  if (sample === '') return undefined;
  return { ...toTyped({ type, sample, format }), unit: translated.unit };
}

/** Histograms and summaries have their suffixes on the samples, so that all are named alike. */
function nameKind(metric: Metric): NameParts['kind'] {
  switch (metric.kind) {
    case 'sum':
      return metric.monotonic ? 'counter' : 'up_down_counter';
    case 'gauge':
      return 'gauge';
    default:
      return 'histogram';
  }
}
