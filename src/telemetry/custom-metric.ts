import type { Attributes } from '@opentelemetry/api';
import { metricName } from '../exposition/names.ts';
import type { BindableMeter } from '../instruments/index.ts';
import { boundsOf, type BucketSpec } from '../metric/buckets.ts';
import { catalogue, type InstrumentDefinition } from './catalogue.ts';

export type CustomMetricKind = 'counter' | 'gauge' | 'histogram' | 'summary';

export interface CustomMetricOptions extends BucketSpec {
  readonly kind?: CustomMetricKind;
  readonly description?: string;
  /** UCUM. */
  readonly unit?: string;
  /** Keys that every recording must carry, and no others; the model's name and version come by themselves. */
  readonly attributes?: readonly string[];
}

/** Named as in BentoML, that is as in Prometheus' Python client. Amounts are 1 if not given. */
export interface CustomCounter {
  inc(amount?: number, attributes?: Attributes): void;
}
export interface CustomGauge {
  set(value: number, attributes?: Attributes): void;
  inc(amount?: number, attributes?: Attributes): void;
  dec(amount?: number, attributes?: Attributes): void;
}
/** Histograms, and summaries of count and sum. */
export interface CustomDistribution {
  observe(value: number, attributes?: Attributes): void;
}

export type CustomMetric<K extends CustomMetricKind> = K extends 'counter'
  ? CustomCounter
  : K extends 'gauge'
    ? CustomGauge
    : CustomDistribution;

/** What was asked for, complete. */
export interface CustomDefinition {
  readonly kind: CustomMetricKind;
  readonly description: string;
  readonly unit: string;
  /** Bounds, of histograms only. */
  readonly buckets: readonly number[] | undefined;
  /** In order; undefined = any. */
  readonly attributes: readonly string[] | undefined;
  /** Which of these were asked for, and are not defaults. */
  readonly given: ReadonlySet<string>;
}

/** Those of MLServer, that is of Prometheus' Python client. */
const DEFAULT_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const KINDS: readonly string[] = ['counter', 'gauge', 'histogram', 'summary'] satisfies CustomMetricKind[];
const OPTIONS = ['kind', 'description', 'unit', 'attributes', 'buckets', 'min', 'max', 'factor'];
const NAME = /^[A-Za-z][\w.\-/]{0,254}$/;

/**
 * @throws TypeError for what is no kind, or no option; RangeError for buckets that are not valid, or that are not for this kind.
 */
export function readDefinition(name: string, options: CustomMetricOptions): CustomDefinition {
  const { kind = 'histogram', description = '', unit = '', attributes, ...buckets } = options;
  const unknown = Object.keys(options).find((key) => !OPTIONS.includes(key));
  if (unknown !== undefined) {
    throw new TypeError(`${name}.${unknown} is no option of a custom metric (known are ${OPTIONS.join(', ')})`);
  }
  if (!KINDS.includes(kind)) {
    throw new TypeError(`${name}.kind must be one of ${KINDS.join(', ')} (got ${JSON.stringify(kind)})`);
  }
  const asked = Object.values(buckets).some((value: unknown) => value !== undefined);
  if (asked && kind !== 'histogram') throw new RangeError(`${name} is a ${kind}: buckets are for histograms only`);
  const given = new Set(Object.entries(options).flatMap(([key, value]) => (value === undefined ? [] : [key])));
  if (asked) given.add('buckets');
  return {
    kind,
    description,
    unit,
    buckets: asked ? boundsOf(buckets, name) : kind === 'histogram' ? DEFAULT_BOUNDS : undefined,
    attributes: attributes && [...new Set(attributes)].sort(),
    given,
  };
}

interface Named extends Pick<CustomDefinition, 'kind' | 'unit'> {
  readonly name: string;
}

/** The gauge that every page begins with. */
const TARGET_INFO = { name: 'target_info', unit: '', kind: 'gauge' };

/** @returns why a metric cannot have its name, beside the catalogue's and the custom ones that are there; undefined if it can. */
export function faultOfName(metric: Named, others: readonly Named[]): string | undefined {
  if (!NAME.test(metric.name)) {
    return 'a name is a letter and up to 254 letters, digits, dots, dashes, slashes and underscores';
  }
  const wanted = sampleNames(metric);
  const ours = Object.entries<InstrumentDefinition>(catalogue).map(([name, { kind, unit }]) => ({ name, unit, kind }));
  const taken = [TARGET_INFO, ...ours, ...others].find(
    (other) =>
      other.name.toLowerCase() === metric.name.toLowerCase() ||
      sampleNames(other).some((name) => wanted.includes(name)),
  );
  return taken && `it would have a name of ${taken.name}, at Prometheus if not before`;
}

/** The names that it has at Prometheus, the family's first. */
function sampleNames({ name, unit, kind: given }: { name: string; unit: string; kind: string }): string[] {
  const kind = given.replace('observable_', '').replace('summary', 'histogram') as 'counter' | 'gauge' | 'histogram';
  const family = metricName({ name, unit, kind });
  return kind === 'histogram' ? ['', '_bucket', '_sum', '_count'].map((suffix) => family + suffix) : [family];
}

export interface InstrumentRequest {
  readonly name: string;
  readonly definition: CustomDefinition;
  readonly meter: BindableMeter;
  /** Adds what every recording has. */
  readonly complete: (attributes: Attributes | undefined) => Attributes;
}

export interface CreatedInstrument {
  readonly metric: CustomMetric<CustomMetricKind>;
  readonly log: (value: number, attributes: Attributes | undefined) => void;
}

export function createInstrument({ name, definition, meter, complete }: InstrumentRequest): CreatedInstrument {
  const { kind, description, unit, buckets } = definition;
  const options = { description, unit };
  const checked = (attributes: Attributes | undefined): Attributes => {
    checkKeys(name, definition, attributes);
    return complete(attributes);
  };
  switch (kind) {
    case 'counter': {
      const counter = meter.createCounter(name, options);
      const add = (amount: number, attributes?: Attributes): void => counter.add(amount, checked(attributes));
      const inc = (amount = 1, attributes?: Attributes): void => add(amount, attributes);
      return { metric: { inc } satisfies CustomCounter, log: add };
    }
    case 'gauge': {
      const gauge = meter.createGauge(name, options);
      const set = (value: number, attributes?: Attributes): void => gauge.record(value, checked(attributes));
      const inc = (amount = 1, attributes?: Attributes): void => gauge.bind(checked(attributes)).add(amount);
      const dec = (amount = 1, attributes?: Attributes): void => inc(-amount, attributes);
      return { metric: { set, inc, dec } satisfies CustomGauge, log: set };
    }
    case 'histogram':
    case 'summary': {
      const aggregation = kind === 'summary' ? 'summary' : 'explicit_bucket_histogram';
      const advice = { explicitBucketBoundaries: [...(buckets ?? [])] };
      const histogram = meter.createHistogram(name, { ...options, aggregation, advice });
      const observe = (value: number, attributes?: Attributes): void => histogram.record(value, checked(attributes));
      return { metric: { observe } satisfies CustomDistribution, log: observe };
    }
  }
}

/** @throws TypeError if keys were declared, and these are others. */
export function checkKeys(name: string, { attributes: declared }: CustomDefinition, given: Attributes = {}): void {
  if (declared === undefined) return;
  const missing = declared.filter((key) => given[key] === undefined || given[key] === null);
  const unknown = Object.keys(given).filter((key) => !declared.includes(key));
  if (missing.length + unknown.length === 0) return;
  const faults = [...missing.map((key) => `${key} is missing`), ...unknown.map((key) => `${key} was not declared`)];
  throw new TypeError(
    `${name} was registered with the attributes ${declared.join(', ') || '(none)'}: ${faults.join('; ')}`,
  );
}
