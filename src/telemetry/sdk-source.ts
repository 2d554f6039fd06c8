import type { MetricReader } from '@opentelemetry/sdk-metrics';
import { fromSdk } from '../metric/from-sdk.ts';
import { errorText } from '../std/error-text.ts';
import { COLLECT_TIMEOUT_MS } from './engine.ts';
import type { Events } from './events.ts';
import { PassiveReader } from './passive-reader.ts';
import type { Source } from './source.ts';

export interface SdkSourceOptions {
  /** Is told of callbacks that fail and of metrics of kinds that are not known; the others go on. */
  readonly events: Events;
  /** 2000 if not given. */
  readonly cardinalityLimit?: number | undefined;
  /** Called when the `MeterProvider` is shut down. */
  readonly ended: () => void;
}

const NAME = 'sdk';

/** The SDK's deadline for a callback: sooner than that for the source, or one that hangs would cost all the others. */
const CALLBACK_TIMEOUT_MS = COLLECT_TIMEOUT_MS * 0.8;

/** What a `MeterProvider` of the official SDK, not one of ours, has: nothing until it takes the reader, nor after it is shut down. */
export function createSdkSource({ events, cardinalityLimit = 2_000, ended }: SdkSourceOptions): {
  readonly reader: MetricReader;
  readonly source: Source;
} {
  const reader = new PassiveReader({ temporality: 'cumulative', cardinalityLimit, ended });
  const report = (error: string): void => {
    events.emit('source failed', { attributes: { 'metergate.source': NAME }, fields: { error } });
  };
  const collect = async () => {
    if (!reader.isBound) return [];
    const { resourceMetrics, errors } = await reader.collect({ timeoutMillis: CALLBACK_TIMEOUT_MS });
    const { snapshot, unsupported } = fromSdk(resourceMetrics);
    for (const error of errors) report(errorText(error));
    for (const name of unsupported) report(`the metric ${name} is of a kind that is not known`);
    return snapshot.scopes;
  };
  return { reader, source: { name: NAME, collect } };
}
