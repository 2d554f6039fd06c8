import type { MetricProducer, MetricReader } from '@opentelemetry/sdk-metrics';
import type { BindableMeter, TemporalityPreference } from '../instruments/index.ts';
import type { Scope } from '../metric/model.ts';
import { toSdk } from '../metric/to-sdk.ts';
import { errorText } from '../std/error-text.ts';
import { createCustomMetrics, type CustomMetrics } from './custom-metrics.ts';
import { COLLECT_TIMEOUT_MS, SCOPE, type Engine, type EngineOptions, type Reader } from './engine.ts';
import { observeEngine } from './engine-stats.ts';
import { createEvents, type Events } from './events.ts';
import { createInstruments, type Instruments, type InstrumentsOptions } from './instruments.ts';
import { silentLogger, type Logger } from './logger.ts';
import { createNativeEngine } from './native-engine.ts';
import { createSdkEngine } from './sdk-engine.ts';
import { createSdkSource } from './sdk-source.ts';
import { createShownBounds, type ShownBounds, type ShownBoundsOptions } from './shown-bounds.ts';
import type { Source } from './source.ts';
import { createSources, type Sources } from './sources.ts';

/** What the rest of the program records with, and what the ways out collect from. */
export interface Telemetry {
  readonly instruments: Instruments;
  readonly events: Events;
  /** For instruments of a program's own, in a scope of its own. The same scope gives instruments of the same series. */
  getMeter(scope: Pick<Scope, 'name'> & Partial<Scope>): BindableMeter;
  /** Metrics of users. */
  readonly custom: CustomMetrics;
  /** Cumulative, for scrapes. */
  readonly pull: Reader;
  /** One per destination, by name. */
  readonly push: ReadonlyMap<string, Reader>;
  /** One more origin of metrics in every collection. @returns takes it out again. */
  addSource(source: Source): () => void;
  /**
   * A reader for the `readers` of a `MeterProvider` of the official SDK: what is recorded there comes along in every scrape and export,
   * under our resource, until that provider is shut down. Not for one that has our `metricProducer`.
   */
  sdkReader(): MetricReader;
  /**
   * The same data for the reader of a foreign `MeterProvider`, in its `metricProducers`. A producer is not told which temporality its
   * reader wants, and keeps what it has given: make one for each reader.
   *
   * @throws with the engine `sdk`.
   */
  metricProducer(options: { temporality: TemporalityPreference }): MetricProducer;
  shutdown(): Promise<void>;
}

export interface TelemetryOptions extends Partial<EngineOptions>, ShownBoundsOptions {
  /** `native` if not given. */
  readonly engine?: 'native' | 'sdk';
  readonly limits?: InstrumentsOptions['limits'];
  /** Names of custom metrics; 200 if not given. */
  readonly customMetricsMax?: number;
  /** Nothing is logged if not given. */
  readonly logger?: Logger;
}

export function createTelemetry(options: TelemetryOptions = {}): Telemetry {
  const { version = '', logger = silentLogger, limits, customMetricsMax, cardinalityLimit } = options;
  const engine = createEngine(options);
  const sources = createSources();
  const bounds = createShownBounds(options);
  const instruments = createInstruments({
    meter: engine.getMeter({ name: SCOPE, version }),
    bounds: (name) => bounds.recorded(name),
    ...(limits === undefined ? {} : { limits }),
  });
  const events = createEvents(instruments, logger);
  const known = version === '' ? {} : { 'service.version': version };
  const build = { ...known, 'process.runtime.version': process.versions.node };
  instruments.observe('metergate.build_info', (observe) => observe(1, build));
  observeEngine({ stats: () => engine.stats(), instruments, logger });

  const complete = (reader: Reader, consumer: string): Reader =>
    completed(reader, { consumer, sources, bounds, events });
  return {
    instruments,
    events,
    getMeter: (scope) => engine.getMeter(scope),
    custom: createCustomMetrics({ meter: engine.getMeter({ name: `${SCOPE}.custom` }), events, max: customMetricsMax }),
    pull: complete(engine.pull, 'pull'),
    push: new Map([...engine.push].map(([name, reader]) => [name, complete(reader, `push/${name}`)])),
    addSource: (source) => sources.add(source),
    sdkReader: () => {
      const { reader, source } = createSdkSource({ events, cardinalityLimit, ended: () => remove() });
      const remove = sources.add(source);
      return reader;
    },
    metricProducer: ({ temporality }) => toProducer(complete(engine.createReader(temporality), 'producer')),
    shutdown: () => engine.shutdown(),
  };
}

function createEngine({ engine = 'native', ...options }: TelemetryOptions): Engine {
  const {
    resource = {},
    version = '',
    cardinalityLimit = 2_000,
    exemplarFilter = 'trace_based',
    destinations = [],
  } = options;
  const create = engine === 'native' ? createNativeEngine : createSdkEngine;
  return create({ resource, version, cardinalityLimit, exemplarFilter, destinations });
}

interface Completion {
  /** Who collects, for the events of sources that fail. */
  readonly consumer: string;
  readonly sources: Sources;
  readonly bounds: ShownBounds;
  readonly events: Events;
}

/**
 * A reader of the engine with what comes from elsewhere, every histogram on the bounds that it is to be shown on. What single sources fail
 * with is counted and logged here, so that no consumer can forget it.
 */
function completed(reader: Reader, { consumer, sources, bounds, events }: Completion): Reader {
  return {
    collect: async (timeoutMs = COLLECT_TIMEOUT_MS) => {
      const [own, others] = await Promise.all([reader.collect(timeoutMs), sources.collect(timeoutMs)]);
      const errors = [...own.errors, ...others.errors];
      for (const { source, error } of errors) {
        const attributes = { 'metergate.consumer': consumer, 'metergate.source': source };
        events.emit('source failed', { attributes, fields: { error: errorText(error) } });
      }
      const shown = bounds.apply(own.snapshot);
      // Our own scopes come first: where two want one name, the first has it.
      const snapshot = others.scopes.length === 0 ? shown : { ...shown, scopes: [...shown.scopes, ...others.scopes] };
      // The SDK's own data goes to its exporters as it is, where nothing was added to it.
      return {
        snapshot,
        resourceMetrics: snapshot === own.snapshot ? own.resourceMetrics : () => toSdk(snapshot),
        errors,
      };
    },
  };
}

function toProducer(reader: Reader): MetricProducer {
  return {
    // What a foreign reader gives is meant for its export as a whole, 30 s by default: one source must not have all of it.
    collect: async ({ timeoutMillis = COLLECT_TIMEOUT_MS } = {}) => {
      const { resourceMetrics, errors } = await reader.collect(Math.min(timeoutMillis, COLLECT_TIMEOUT_MS));
      return { resourceMetrics: resourceMetrics(), errors: errors.map(({ error }) => error) };
    },
  };
}
