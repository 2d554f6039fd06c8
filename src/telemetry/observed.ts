import { AsyncLocalStorage } from 'node:async_hooks';
import type { Attributes } from '@opentelemetry/api';
import type { MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { attributesKey } from './sdk-attributes.ts';

/**
 * Which series the asynchronous instruments observed in each collection. The SDK goes on exporting a cumulative series that is no longer
 * observed, with its last value (opentelemetry-js #4096); a failed reading would be served as live.
 */
export interface Observed {
  /** To be called for every asynchronous instrument. @returns the key by which observations are noted. */
  name(scope: Scope, instrument: string): string;
  /** A callback begins, in the collection that calls it. */
  begin(): ObservedRun;
  /** Runs a collection, and leaves the points of named instruments out that were not observed in it. */
  during<T extends { resourceMetrics: ResourceMetrics }>(collect: () => Promise<T>): Promise<T>;
}

export interface ObservedRun {
  /** @param key of the instrument. */
  add(key: string, attributes: Attributes): void;
  /** It has ended well: what it observed counts. Of one that fails, or is late, the SDK takes nothing either. */
  end(): void;
}

interface Scope {
  readonly name: string;
  readonly version?: string | undefined;
  readonly schemaUrl?: string | undefined;
}

export function createObserved(): Observed {
  const keys = new Set<string>();
  /** Series of the collection that the running code belongs to; of an instrument that has any, its own key too. */
  const collections = new AsyncLocalStorage<Set<string>>();
  return {
    name: (scope, instrument) => {
      const key = instrumentKey(scope, instrument);
      keys.add(key);
      return key;
    },
    begin: () => {
      const series = collections.getStore();
      const own: string[] = [];
      return {
        add: (key, attributes) => void own.push(key, seriesKey(key, attributes)),
        end: () => own.forEach((key) => series?.add(key)),
      };
    },
    during: async (collect) => {
      const series = new Set<string>();
      const collected = await collections.run(series, collect);
      return { ...collected, resourceMetrics: withoutUnobserved(collected.resourceMetrics, keys, series) };
    },
  };
}

/** Names differ in more than their case. */
function instrumentKey({ name, version = '', schemaUrl = '' }: Scope, instrument: string): string {
  return JSON.stringify([name, version, schemaUrl, instrument.toLowerCase()]);
}

function seriesKey(instrument: string, attributes: Attributes): string {
  return `${instrument} ${attributesKey(attributes)}`;
}

function withoutUnobserved(
  { resource, scopeMetrics }: ResourceMetrics,
  keys: ReadonlySet<string>,
  series: ReadonlySet<string>,
): ResourceMetrics {
  const keepIn =
    (scope: Scope) =>
    (metric: MetricData): MetricData[] => {
      const key = instrumentKey(scope, metric.descriptor.name);
      if (!keys.has(key)) return [metric];
      // What found no room is in a series that nobody observes by its name.
      const isObserved = (attributes: Attributes): boolean =>
        series.has(seriesKey(key, attributes)) || (attributes['otel.metric.overflow'] === true && series.has(key));
      const points = metric.dataPoints as { attributes: Attributes }[];
      const dataPoints = points.filter(({ attributes }) => isObserved(attributes));
      return dataPoints.length === 0 ? [] : [{ ...metric, dataPoints } as MetricData];
    };
  return {
    resource,
    scopeMetrics: scopeMetrics.map((each) => ({ ...each, metrics: each.metrics.flatMap(keepIn(each.scope)) })),
  };
}
