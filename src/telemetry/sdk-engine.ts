import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  InstrumentType,
  MeterProvider,
  MetricReader,
  type IMetricReader,
} from '@opentelemetry/sdk-metrics';
import { createObserved, withoutUnobserved, type Observed } from './observed.ts';
import type { Engine, EngineOptions, Reader, TemporalityPreference } from './engine.ts';

/** Our instruments' scope; its families win where two want one Prometheus name. */
export const SCOPE = 'metergate';

/**
 * The engine of official OpenTelemetry parts only. All readers are there from the start, since a `MeterProvider` takes none
 * later; each keeps storage of its own, so that recording costs once per reader.
 */
export function createSdkEngine({ resource, version, cardinalityLimit, destinations }: EngineOptions): Engine {
  const pull = new PrometheusExporter({ preventServerStart: true });
  // Its configuration has no key for it.
  pull.selectCardinalityLimit = () => cardinalityLimit;
  const push = new Map(
    destinations.map(({ name, temporality }) => [name, new PassiveReader({ temporality, cardinalityLimit })]),
  );
  const observed = createObserved();
  const provider = new MeterProvider({
    resource: defaultResource().merge(resourceFromAttributes({ ...resource })),
    readers: [pull, ...push.values()],
  });
  return {
    meter: provider.getMeter(SCOPE, version),
    observed: observed.add,
    pull: asReader(pull, observed),
    push: new Map([...push].map(([name, reader]) => [name, asReader(reader, observed)])),
    shutdown: () => provider.shutdown(),
  };
}

/**
 * Collects when it is asked to and at no other time. Not `PeriodicExportingMetricReader`: that one has no way to learn that an
 * export failed, and its shutdown resolves all the same.
 */
class PassiveReader extends MetricReader {
  constructor({ temporality, cardinalityLimit }: { temporality: TemporalityPreference; cardinalityLimit: number }) {
    super({
      aggregationTemporalitySelector: (type) => temporalityOf(type, temporality),
      cardinalitySelector: () => cardinalityLimit,
    });
  }
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** Source: OpenTelemetry specification, OTLP metrics exporter, "temporality preference". */
function temporalityOf(type: InstrumentType, preference: TemporalityPreference): AggregationTemporality {
  const { CUMULATIVE, DELTA } = AggregationTemporality;
  switch (type) {
    case InstrumentType.COUNTER:
    case InstrumentType.HISTOGRAM:
      return preference === 'cumulative' ? CUMULATIVE : DELTA;
    case InstrumentType.OBSERVABLE_COUNTER:
      return preference === 'delta' ? DELTA : CUMULATIVE;
    case InstrumentType.UP_DOWN_COUNTER:
    case InstrumentType.OBSERVABLE_UP_DOWN_COUNTER:
    case InstrumentType.GAUGE:
    case InstrumentType.OBSERVABLE_GAUGE:
      return CUMULATIVE;
  }
}

function asReader(reader: IMetricReader, observed: Observed): Reader {
  return {
    collect: async (timeoutMs) => {
      const { collecting, series } = observed.during(() => reader.collect({ timeoutMillis: timeoutMs }));
      const { resourceMetrics, errors } = await collecting;
      return { resourceMetrics: withoutUnobserved(resourceMetrics, { scopeName: SCOPE, series }), errors };
    },
  };
}
