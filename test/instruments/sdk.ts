import {
  AggregationTemporality,
  AggregationType,
  InstrumentType,
  MeterProvider,
  type AggregationTemporalitySelector,
} from '@opentelemetry/sdk-metrics';
import type { TemporalityPreference } from '../../src/instruments/index.ts';
import { fromSdk } from '../../src/metric/from-sdk.ts';
import { PassiveReader } from '../metric/sdk-metrics.ts';
import { toPoints, type Points } from './native.ts';

const { CUMULATIVE, DELTA } = AggregationTemporality;

/** As the exporters of OTLP choose; a last value has no temporality, and with delta the SDK would leave out those of yesterday. */
const selectors: Record<TemporalityPreference, AggregationTemporalitySelector> = {
  cumulative: () => CUMULATIVE,
  delta: (type) => (delta.has(type) || type === InstrumentType.OBSERVABLE_COUNTER ? DELTA : CUMULATIVE),
  low_memory: (type) => (delta.has(type) ? DELTA : CUMULATIVE),
};
const delta = new Set([InstrumentType.COUNTER, InstrumentType.HISTOGRAM]);

/** The official SDK with one reader for each preference; `exponential` is aggregated through a view. */
export function createSdk() {
  const reader = (preference: TemporalityPreference) =>
    new PassiveReader({ aggregationTemporalitySelector: selectors[preference] });
  const readers = { cumulative: reader('cumulative'), delta: reader('delta'), low_memory: reader('low_memory') };
  const provider = new MeterProvider({
    readers: Object.values(readers),
    views: [{ instrumentName: 'exponential', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
  });
  return {
    meter: provider.getMeter('test'),
    collect: async (preference: TemporalityPreference): Promise<Points> => {
      const { resourceMetrics } = await readers[preference].collect();
      return toPoints(fromSdk(resourceMetrics).snapshot.scopes);
    },
  };
}
