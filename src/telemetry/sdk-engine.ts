import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, type IMetricReader } from '@opentelemetry/sdk-metrics';
import { fromSdk } from '../metric/from-sdk.ts';
import type { Snapshot } from '../metric/model.ts';
import { COLLECT_TIMEOUT_MS, SCOPE, type Engine, type EngineOptions, type Reader } from './engine.ts';
import { createObserved, type Observed } from './observed.ts';
import { PassiveReader } from './passive-reader.ts';
import { createSdkMeter } from './sdk-meter.ts';

/**
 * The engine of official OpenTelemetry parts only. All readers are there from the start, since a `MeterProvider` takes none
 * later; each keeps storage of its own, so that recording costs once per reader.
 */
export function createSdkEngine({ resource, cardinalityLimit, destinations }: EngineOptions): Engine {
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
    getMeter: (scope) => {
      const { name, version, schemaUrl } = scope;
      const meter = provider.getMeter(name, version, schemaUrl === undefined ? {} : { schemaUrl });
      return createSdkMeter({ meter, scope, observed });
    },
    pull: asReader(pull, observed),
    push: new Map([...push].map(([name, reader]) => [name, asReader(reader, observed)])),
    createReader: () => {
      throw new Error('the engine sdk takes no further readers: with it, add yours to a MeterProvider of your own');
    },
    stats: () => [],
    shutdown: () => provider.shutdown(),
  };
}

function asReader(reader: IMetricReader, observed: Observed): Reader {
  return {
    collect: async (timeoutMs = COLLECT_TIMEOUT_MS) => {
      const collect = () => reader.collect({ timeoutMillis: timeoutMs });
      const { resourceMetrics, errors } = await observed.during(collect);
      const { snapshot, unsupported } = fromSdk(resourceMetrics);
      const left = unsupported.map((source) => ({ source, error: new Error('a metric of a kind that is not known') }));
      return {
        snapshot: withOurScopeFirst(snapshot),
        resourceMetrics: () => resourceMetrics,
        errors: [...errors.map((error) => ({ source: 'callback', error })), ...left],
      };
    },
  };
}

/** Where two metrics want one name, the first has it, and the SDK hands scopes over in no order of its own. */
function withOurScopeFirst(snapshot: Snapshot): Snapshot {
  const ours = snapshot.scopes.filter(({ scope }) => scope.name === SCOPE);
  return { ...snapshot, scopes: [...ours, ...snapshot.scopes.filter(({ scope }) => scope.name !== SCOPE)] };
}
