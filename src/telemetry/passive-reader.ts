import { AggregationTemporality, InstrumentType, MetricReader } from '@opentelemetry/sdk-metrics';
import type { TemporalityPreference } from '../instruments/index.ts';

export interface PassiveReaderOptions {
  readonly temporality: TemporalityPreference;
  readonly cardinalityLimit: number;
  /** Called when its `MeterProvider` is shut down. */
  readonly ended?: () => void;
}

/**
 * Collects when it is asked to and at no other time. Not `PeriodicExportingMetricReader`: that one has no way to learn that an
 * export failed, and its shutdown resolves all the same.
 */
export class PassiveReader extends MetricReader {
  /** Whether a `MeterProvider` has it, and has not been shut down: else collecting throws. */
  isBound = false;
  readonly #ended: () => void;

  constructor({ temporality, cardinalityLimit, ended = () => {} }: PassiveReaderOptions) {
    super({
      aggregationTemporalitySelector: (type) => temporalityOf(type, temporality),
      cardinalitySelector: () => cardinalityLimit,
    });
    this.#ended = ended;
  }
  protected override onInitialized(): void {
    this.isBound = true;
  }
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
  protected override onShutdown(): Promise<void> {
    this.isBound = false;
    this.#ended();
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
