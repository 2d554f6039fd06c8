import { metricName } from '../exposition/names.ts';
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

/** The gauge that every page begins with. */
const TARGET_INFO: NamedMetric = { name: 'target_info', unit: '', kind: 'gauge' };
const OURS = Object.entries<InstrumentDefinition>(catalogue).map(([name, { kind, unit }]) => ({ name, unit, kind }));
const RESERVED = [TARGET_INFO, ...OURS].map((metric) => [metric, sampleNames(metric)] as const);

export function createCustomMetricNames(): CustomMetricNames {
  /** By the name in lower case. */
  const names = new Map<string, string>();
  /** By the names at Prometheus. */
  const samples = new Map<string, string>();

  const take = ({ name }: NamedMetric, taken: readonly string[]): void => {
    names.set(name.toLowerCase(), name);
    for (const sample of taken) samples.set(sample, name);
  };
  for (const [metric, taken] of RESERVED) take(metric, taken);

  return {
    add: (metric) => take(metric, sampleNames(metric)),
    faultOf: (metric) => {
      if (!NAME.test(metric.name)) {
        return 'a name is a letter and up to 254 letters, digits, dots, dashes, slashes and underscores';
      }
      const taken = sampleNames(metric).find((sample) => samples.has(sample)) ?? '';
      const holder = names.get(metric.name.toLowerCase()) ?? samples.get(taken);
      return holder && `it would have a name of ${holder}, at Prometheus if not before`;
    },
  };
}

/** The names that it has at Prometheus, the family's first. */
function sampleNames({ name, unit, kind: given }: NamedMetric): string[] {
  const kind = given.replace('observable_', '').replace('summary', 'histogram') as 'counter' | 'gauge' | 'histogram';
  const family = metricName({ name, unit, kind });
  return kind === 'histogram' ? ['', '_bucket', '_sum', '_count'].map((suffix) => family + suffix) : [family];
}
