import type { Attributes } from '@opentelemetry/api';
import type { MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { catalogue, type InstrumentName } from './catalogue.ts';

/**
 * Which series the catalogue's asynchronous instruments observed in the running collection. The SDK goes on exporting a cumulative
 * series that is no longer observed, with its last value (opentelemetry-js #4096); a failed reading would be served as live.
 */
export interface Observed {
  /** To be called by every callback of ours, for every observation. */
  readonly add: (name: InstrumentName, attributes: Attributes | undefined) => void;
  /** Runs a collection. Its callbacks are synchronous, so they have all run when `collect` has returned its promise. */
  during<T>(collect: () => Promise<T>): { readonly collecting: Promise<T>; readonly series: ReadonlySet<string> };
}

export function createObserved(): Observed {
  let series = new Set<string>();
  return {
    add: (name, attributes) => series.add(keyOf(name, attributes)),
    during: (collect) => {
      const own = (series = new Set());
      return { collecting: collect(), series: own };
    },
  };
}

/** Leaves out the points of one scope's asynchronous instruments that were not observed. */
export function withoutUnobserved(
  { resource, scopeMetrics }: ResourceMetrics,
  { scopeName, series }: { scopeName: string; series: ReadonlySet<string> },
): ResourceMetrics {
  const keep = (metric: MetricData): MetricData[] => {
    const { name } = metric.descriptor;
    if (!isAsynchronous(name)) return [metric];
    const dataPoints = (metric.dataPoints as { attributes: Attributes }[]).filter(({ attributes }) =>
      series.has(keyOf(name, attributes)),
    );
    return dataPoints.length === 0 ? [] : [{ ...metric, dataPoints } as MetricData];
  };
  return {
    resource,
    scopeMetrics: scopeMetrics.map((each) =>
      each.scope.name === scopeName ? { ...each, metrics: each.metrics.flatMap(keep) } : each,
    ),
  };
}

function isAsynchronous(name: string): boolean {
  return Object.hasOwn(catalogue, name) && catalogue[name as InstrumentName].kind.startsWith('observable_');
}

function keyOf(name: string, attributes: Attributes = {}): string {
  return JSON.stringify([name, Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1))]);
}
