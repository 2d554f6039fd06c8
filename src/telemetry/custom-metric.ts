import type { Attributes } from '@opentelemetry/api';
import type { BindableCounter, BindableMeter } from '../instruments/index.ts';
import { isObject, shown, type CustomDefinition, type CustomMetricKind } from './custom-metric-options.ts';

interface Removable {
  /**
   * Ends the series of these attributes, and of the model that it is called in. Recorded again, it starts at 0.
   *
   * @returns whether there was one; the engine `sdk` cannot, and always says false.
   * @throws TypeError for attributes that could not be recorded with, either.
   */
  remove(attributes?: Attributes): boolean;
}

/** Named as in BentoML, that is as in Prometheus' Python client. Amounts are 1 if not given. */
export interface CustomCounter extends Removable {
  inc(amount?: number, attributes?: Attributes): void;
}
export interface CustomGauge extends Removable {
  set(value: number, attributes?: Attributes): void;
  inc(amount?: number, attributes?: Attributes): void;
  dec(amount?: number, attributes?: Attributes): void;
}
/** Histograms, and summaries of count and sum. */
export interface CustomDistribution extends Removable {
  observe(value: number, attributes?: Attributes): void;
}

export type CustomMetric<K extends CustomMetricKind> = K extends 'counter'
  ? CustomCounter
  : K extends 'gauge'
    ? CustomGauge
    : CustomDistribution;

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
  const { kind, description, unit, buckets, cardinalityLimit, expireAfterMs } = definition;
  const options = { description, unit, cardinalityLimit, expireAfterMs };
  const checked = (attributes: Attributes | undefined): Attributes => {
    checkAttributes(name, definition, attributes);
    return complete(attributes);
  };
  const remover =
    (instrument: Pick<BindableCounter, 'remove'>): Removable['remove'] =>
    (attributes) =>
      instrument.remove(checked(attributes));
  switch (kind) {
    case 'counter': {
      const counter = meter.createCounter(name, options);
      const add = (amount: number, attributes?: Attributes): void => counter.add(amount, checked(attributes));
      const inc = (amount = 1, attributes?: Attributes): void => add(amount, attributes);
      return { metric: { inc, remove: remover(counter) } satisfies CustomCounter, log: add };
    }
    case 'gauge': {
      const gauge = meter.createGauge(name, options);
      const set = (value: number, attributes?: Attributes): void => gauge.record(value, checked(attributes));
      const inc = (amount = 1, attributes?: Attributes): void => gauge.bind(checked(attributes)).add(amount);
      const dec = (amount = 1, attributes?: Attributes): void => inc(-amount, attributes);
      return { metric: { set, inc, dec, remove: remover(gauge) } satisfies CustomGauge, log: set };
    }
    case 'histogram':
    case 'summary': {
      const aggregation = kind === 'summary' ? 'summary' : 'explicit_bucket_histogram';
      const advice = { explicitBucketBoundaries: [...(buckets ?? [])] };
      const histogram = meter.createHistogram(name, { ...options, aggregation, advice });
      const observe = (value: number, attributes?: Attributes): void => histogram.record(value, checked(attributes));
      return { metric: { observe, remove: remover(histogram) } satisfies CustomDistribution, log: observe };
    }
  }
}

/** @throws TypeError for what is no object; and if keys were declared, and these are others. */
export function checkAttributes(name: string, { attributes: declared }: CustomDefinition, given?: Attributes): void {
  checkObject(name, given);
  if (declared === undefined) return;
  const missing = declared.filter((key) => given?.[key] === undefined || given[key] === null);
  const unknown = Object.keys(given ?? {}).filter((key) => !declared.includes(key));
  if (missing.length + unknown.length === 0) return;
  const faults = [...missing.map((key) => `${key} is missing`), ...unknown.map((key) => `${key} was not declared`)];
  throw new TypeError(
    `${name} was registered with the attributes ${declared.join(', ') || '(none)'}: ${faults.join('; ')}`,
  );
}

/** @param where what the message begins with. @throws TypeError also where there is no TypeScript. */
export function checkObject(where: string, attributes: unknown): void {
  if (attributes === undefined || isObject(attributes)) return;
  throw new TypeError(`${where}: the attributes must be an object (got ${shown(attributes)})`);
}
