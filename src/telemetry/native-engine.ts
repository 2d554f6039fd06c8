import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { createMeters, type TemporalityPreference } from '../instruments/index.ts';
import type { Attributes } from '../metric/model.ts';
import { toSdk } from '../metric/to-sdk.ts';
import { COLLECT_TIMEOUT_MS, type Engine, type EngineOptions, type Reader } from './engine.ts';

/** The engine of `src/instruments`. Readers are views over the same columns, and may be made at any time. */
export function createNativeEngine(options: EngineOptions): Engine {
  const { resource: given, version, cardinalityLimit, exemplarFilter, destinations } = options;
  // The specification reserves the SDK's own name for the official SDKs.
  const sdk = { 'telemetry.sdk.name': 'metergate', 'telemetry.sdk.version': version };
  const resource = defaultResource().merge(resourceFromAttributes({ ...sdk, ...given }));
  const attributes = resource.attributes as Attributes;
  const meters = createMeters({ cardinalityLimit, exemplarFilter, nowMs: Date.now });
  let shutDown = false;

  const createReader = (preference: TemporalityPreference): Reader => {
    const view = meters.createView(preference);
    return {
      collect: async (timeoutMs = COLLECT_TIMEOUT_MS) => {
        if (shutDown) throw new Error('the engine has been shut down');
        const { scopes, errors } = await view.collect(timeoutMs);
        const snapshot = { resource: attributes, scopes };
        return { snapshot, resourceMetrics: () => toSdk(snapshot, resource), errors };
      },
    };
  };
  return {
    getMeter: (scope) => meters.getMeter(scope),
    pull: createReader('cumulative'),
    push: new Map(destinations.map(({ name, temporality }) => [name, createReader(temporality)])),
    createReader,
    stats: () => meters.stats(),
    shutdown: () => {
      shutDown = true;
      return Promise.resolve();
    },
  };
}
