import type { MetricProducer } from '@opentelemetry/sdk-metrics';
import type { TemporalityPreference } from '../instruments/index.ts';
import { toSdk } from '../metric/to-sdk.ts';
import { createCustomMetrics, type CustomMetrics } from './custom-metrics.ts';
import { SCOPE, type Engine, type EngineOptions, type Reader } from './engine.ts';
import { observeEngine } from './engine-stats.ts';
import { createEvents, type Events } from './events.ts';
import { createInstruments, type Instruments, type InstrumentsOptions } from './instruments.ts';
import type { Logger } from './logger.ts';
import { createNativeEngine } from './native-engine.ts';
import { createSdkEngine } from './sdk-engine.ts';
import { createShownBounds, type ShownBounds, type ShownBoundsOptions } from './shown-bounds.ts';
import type { Source } from './source.ts';
import { createSources, type Sources } from './sources.ts';

/** What the rest of the program records with, and what the ways out collect from. */
export interface Telemetry {
  readonly instruments: Instruments;
  readonly events: Events;
  /** Metrics of users. */
  readonly custom: CustomMetrics;
  /** Cumulative, for scrapes. */
  readonly pull: Reader;
  /** One per destination, by name. */
  readonly push: ReadonlyMap<string, Reader>;
  /** One more origin of metrics in every collection. @returns takes it out again. */
  addSource(source: Source): () => void;
  /**
   * The same data for the reader of a foreign `MeterProvider`, in its `metricProducers`. A producer is not told which temporality its
   * reader wants, and keeps what it has given: make one for each reader.
   *
   * @throws with the engine `sdk`.
   */
  metricProducer(options: { temporality: TemporalityPreference }): MetricProducer;
  shutdown(): Promise<void>;
}

export interface TelemetryOptions extends Omit<EngineOptions, 'destinations'>, ShownBoundsOptions {
  readonly engine: 'native' | 'sdk';
  readonly destinations?: EngineOptions['destinations'];
  readonly limits?: InstrumentsOptions['limits'];
  /** Names of custom metrics. */
  readonly customMetricsMax?: number;
  readonly logger: Logger;
}

export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { version, logger, limits, customMetricsMax, destinations = [] } = options;
  const engine = createEngine({ ...options, destinations });
  const sources = createSources();
  const bounds = createShownBounds(options);
  const instruments = createInstruments({
    meter: engine.getMeter({ name: SCOPE, version }),
    bounds: (name) => bounds.recorded(name),
    ...(limits === undefined ? {} : { limits }),
  });
  const events = createEvents(instruments, logger);
  const build = { 'service.version': version, 'process.runtime.version': process.versions.node };
  instruments.observe('metergate.build_info', (observe) => observe(1, build));
  observeEngine({ stats: () => engine.stats(), instruments, logger });

  const complete = (reader: Reader): Reader => completed(reader, { sources, bounds });
  return {
    instruments,
    events,
    custom: createCustomMetrics({ meter: engine.getMeter({ name: `${SCOPE}.custom` }), events, max: customMetricsMax }),
    pull: complete(engine.pull),
    push: new Map([...engine.push].map(([name, reader]) => [name, complete(reader)])),
    addSource: (source) => sources.add(source),
    metricProducer: ({ temporality }) => toProducer(complete(engine.createReader(temporality))),
    shutdown: () => engine.shutdown(),
  };
}

function createEngine(options: EngineOptions & { readonly engine: 'native' | 'sdk' }): Engine {
  return options.engine === 'native' ? createNativeEngine(options) : createSdkEngine(options);
}

/** A reader of the engine with what comes from elsewhere, every histogram on the bounds that it is to be shown on. */
function completed(reader: Reader, { sources, bounds }: { sources: Sources; bounds: ShownBounds }): Reader {
  return {
    collect: async (timeoutMs) => {
      const [own, others] = await Promise.all([reader.collect(timeoutMs), sources.collect(timeoutMs)]);
      const errors = [...own.errors, ...others.errors];
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

/** For one callback or source of ours, where the foreign reader gives no time. */
const PRODUCER_TIMEOUT_MS = 1_000;

function toProducer(reader: Reader): MetricProducer {
  return {
    collect: async ({ timeoutMillis = PRODUCER_TIMEOUT_MS } = {}) => {
      const { resourceMetrics, errors } = await reader.collect(timeoutMillis);
      return { resourceMetrics: resourceMetrics(), errors: [...errors] };
    },
  };
}
