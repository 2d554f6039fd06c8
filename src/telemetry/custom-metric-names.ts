import { metricName, type NameParts } from '../exposition/names.ts';
import { sampleNames, toTyped } from '../exposition/sample-names.ts';
import { catalogue, type InstrumentDefinition } from './catalogue.ts';

/** What a metric's names at Prometheus follow from. */
export interface NamedMetric {
  readonly name: string;
  /** UCUM. */
  readonly unit: string;
  readonly kind: string;
}

/** The names that are taken: those of the catalogue and of the custom metrics that are there. */
export interface CustomMetricNames {
  add(metric: NamedMetric): void;
  /** @returns why a metric cannot have its name; undefined if it can. */
  faultOf(metric: NamedMetric): string | undefined;
}

const NAME = /^[A-Za-z][\w.\-/]{0,254}$/;

/** What every page begins with. */
const TARGET_INFO: NamedMetric = { name: 'target_info', unit: '', kind: 'info' };
const OURS = Object.entries<InstrumentDefinition>(catalogue).map(([name, { kind, unit }]) => ({ name, unit, kind }));
const RESERVED = [TARGET_INFO, ...OURS].map((metric) => [metric, namesOnPages(metric)] as const);

export function createCustomMetricNames(): CustomMetricNames {
  /** By the name in lower case. */
  const names = new Map<string, string>();
  /** By the names at Prometheus. */
  const shown = new Map<string, string>();

  const take = ({ name }: NamedMetric, taken: readonly string[]): void => {
    names.set(name.toLowerCase(), name);
    for (const each of taken) shown.set(each, name);
  };
  for (const [metric, taken] of RESERVED) take(metric, taken);

  return {
    add: (metric) => take(metric, namesOnPages(metric)),
    faultOf: (metric) => {
      if (!NAME.test(metric.name)) {
        return 'a name is a letter and up to 254 letters, digits, dots, dashes, slashes and underscores';
      }
      const taken = namesOnPages(metric).find((each) => shown.has(each)) ?? '';
      const holder = names.get(metric.name.toLowerCase()) ?? shown.get(taken);
      return holder && `it would have a name of ${holder}, at Prometheus if not before`;
    },
  };
}

/**
 * The names of its family and samples by the default translation strategy; another one is not known here. In one list: what is free in
 * OpenMetrics is free in text, which has fewer names.
 */
function namesOnPages({ name, unit, kind: given }: NamedMetric): string[] {
  // With the engine `sdk` a summary is a histogram, whose names are those of a summary and more.
  const kind = given.replace('observable_', '').replace('summary', 'histogram') as NameParts['kind'] | 'info';
  const type = kind === 'up_down_counter' ? 'gauge' : kind;
  const sample = metricName({ name, unit, kind: kind === 'info' ? 'gauge' : kind });
  return (['text', 'openmetrics'] as const).flatMap((format) => {
    const named = toTyped({ type, sample, format });
    return [named.name, ...sampleNames(named, { created: format === 'openmetrics' })];
  });
}
