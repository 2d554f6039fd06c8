import { AsyncLocalStorage } from 'node:async_hooks';
import type { Attributes } from '@opentelemetry/api';
import type { BindableMeter } from '../instruments/index.ts';
import { createCustomMetricNames } from './custom-metric-names.ts';
import {
  isObject,
  readDefinition,
  shown,
  type CustomDefinition,
  type CustomMetricKind,
  type CustomMetricOptions,
} from './custom-metric-options.ts';
import { checkAttributes, checkObject, createInstrument, type CustomMetric } from './custom-metric.ts';
import type { Events } from './events.ts';

export interface ModelIdentity {
  readonly name: string;
  readonly version?: string;
}

/**
 * Metrics of users, as MLServer has them: registered, or made up by logging a value. Within `inModel` they carry the model's name and
 * version.
 */
export interface CustomMetrics {
  /**
   * The metric of that name, which is created if it is not there yet.
   *
   * @param options or the description alone, as MLServer has it; a histogram if no kind is given.
   * With the engine `sdk`, `cardinalityLimit` and `expireAfterMs` have no effect.
   *
   * @throws TypeError for options that are not of their types; and if the name is there as another kind, or with other options: the
   * message names both places.
   * @throws RangeError if it cannot have the name, there are too many names, or the buckets are not valid.
   */
  register<K extends CustomMetricKind = 'histogram'>(
    name: string,
    options?: (CustomMetricOptions & { readonly kind?: K }) | string,
  ): CustomMetric<K>;
  /**
   * Records a value on each metric named: counted in a counter, set in a gauge, recorded in a histogram or a summary. A name that is not
   * known becomes a histogram on the fly; if it cannot, that is an event, and not an error.
   *
   * @throws TypeError for what is no object, and if a metric was registered with attribute keys and these are others: then nothing is
   * recorded.
   */
  log(values: Readonly<Record<string, number>>, attributes?: Attributes): void;
  /** Runs code, and all that it calls and awaits, on behalf of a model. */
  inModel<T>(model: ModelIdentity, run: () => T): T;
}

export interface CustomMetricsOptions {
  readonly meter: BindableMeter;
  readonly events: Events;
  /** Names at most. */
  readonly max?: number | undefined;
}

const NAMES_MAX = 200;

interface Registered {
  readonly definition: CustomDefinition;
  readonly metric: CustomMetric<CustomMetricKind>;
  readonly log: (value: number, attributes: Attributes | undefined) => void;
  /** What made it, and the `file:line:column` of that. */
  readonly origin: string;
}

export function createCustomMetrics({ meter, events, max = NAMES_MAX }: CustomMetricsOptions): CustomMetrics {
  const metrics = new Map<string, Registered>();
  const names = createCustomMetricNames();
  const models = new AsyncLocalStorage<Attributes>();

  const complete = (attributes: Attributes | undefined): Attributes => ({ ...models.getStore(), ...attributes });
  const create = (name: string, definition: CustomDefinition, origin: string): Registered => {
    const registered = { definition, origin, ...createInstrument({ name, definition, meter, complete }) };
    metrics.set(name, registered);
    names.add({ name, ...definition });
    return registered;
  };
  /** Whichever code comes first: the meter keeps the longer description. */
  const describe = (name: string, known: Registered, { description }: CustomDefinition): void => {
    const definition = { ...known.definition, description };
    createInstrument({ name, definition, meter, complete });
    metrics.set(name, { ...known, definition });
  };
  const refusalOf = (name: string, definition: CustomDefinition): string | undefined => {
    if (metrics.size >= max) return `there are ${max} custom metrics already, the most that are allowed`;
    return names.faultOf({ name, ...definition });
  };

  const register = (name: string, given: CustomMetricOptions | string = {}): CustomMetric<CustomMetricKind> => {
    const definition = readDefinition(name, given);
    const known = metrics.get(name);
    if (known !== undefined) {
      const difference = differenceOf(known.definition, definition);
      if (difference === undefined) {
        if (definition.description.length > known.definition.description.length) describe(name, known, definition);
        return known.metric;
      }
      throw new TypeError(
        `the custom metric ${name} has ${difference.key} ${difference.before} (${known.origin}), ` +
          `so it cannot have ${difference.after} (at ${callerOf(register)})`,
      );
    }
    const refusal = refusalOf(name, definition);
    if (refusal !== undefined) throw new RangeError(`${name} cannot be registered: ${refusal}`);
    return create(name, definition, `registered at ${callerOf(register)}`).metric;
  };

  /** @returns undefined if there can be no metric of that name. */
  const createLogged = (name: string): Registered | undefined => {
    const definition = readDefinition(name, {});
    const refusal = refusalOf(name, definition);
    if (refusal === undefined) return create(name, definition, `logged first at ${callerOf(log)}`);
    const attributes = { 'metergate.reason': metrics.size >= max ? 'too_many' : 'bad_name' };
    events.emit('custom metric refused', { attributes, fields: { name, refusal } });
    return undefined;
  };
  const log: CustomMetrics['log'] = (values, attributes) => {
    if (!isObject(values)) throw new TypeError(`log: the values must be an object (got ${shown(values)})`);
    checkObject('log', attributes);
    const entries = Object.entries(values);
    for (const [name] of entries) {
      const registered = metrics.get(name);
      if (registered !== undefined) checkAttributes(name, registered.definition, attributes);
    }
    for (const [name, value] of entries) (metrics.get(name) ?? createLogged(name))?.log(value, attributes);
  };

  return {
    register: register as CustomMetrics['register'],
    log,
    inModel: ({ name, version }, run) =>
      models.run(
        {
          'inference.model.name': name,
          ...(version === undefined ? {} : { 'inference.model.version': version }),
        },
        run,
      ),
  };
}

/** What of a definition is another one; an option that is not given differs from nothing. */
function differenceOf(known: CustomDefinition, given: CustomDefinition) {
  for (const key of ['kind', 'unit', 'buckets', 'attributes', 'cardinalityLimit', 'expireAfterMs'] as const) {
    const none = key === 'attributes' ? 'any' : 'none';
    const [before, after] = [known, given].map(({ [key]: value }) =>
      value === undefined ? none : JSON.stringify(value),
    );
    const isGiven = key === 'kind' || given.given.has(key);
    if (isGiven && before !== after) return { key, before, after };
  }
  return undefined;
}

/** Where a function was called from, for messages. */
function callerOf(callee: (...args: never[]) => unknown): string {
  const holder: { stack?: unknown } = {};
  Error.captureStackTrace(holder, callee);
  // No text where somebody has put an Error.prepareStackTrace of their own in place.
  const [, frame = 'an unknown place'] = typeof holder.stack === 'string' ? holder.stack.split('\n') : [];
  return /\(?((?:file:\/\/)?[^()\s]+:\d+:\d+)\)?$/.exec(frame)?.[1] ?? frame.trim();
}
