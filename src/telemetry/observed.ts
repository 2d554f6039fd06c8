import type { Attributes } from '@opentelemetry/api';
import type { MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';

/**
 * Which series our asynchronous instruments observed in the running collection. The SDK goes on exporting a cumulative series that is
 * no longer observed, with its last value (opentelemetry-js #4096); a failed reading would be served as live.
 */
export interface Observed {
  /** To be called for every asynchronous instrument. */
  readonly name: (instrument: string) => void;
  /** To be called for every observation. */
  readonly add: (instrument: string, attributes: Attributes | undefined) => void;
  /** Runs a collection, and leaves the points of named instruments out that were not observed in it. */
  during<T extends { resourceMetrics: ResourceMetrics }>(collect: () => Promise<T>): Promise<T>;
}

/** Callbacks that are asynchronous themselves are taken to observe within their first turn: ours do. */
export function createObserved(): Observed {
  const names = new Set<string>();
  let series = new Set<string>();
  return {
    name: (instrument) => names.add(instrument),
    add: (instrument, attributes) => series.add(`${instrument} ${attributesKey(attributes)}`),
    during: async (collect) => {
      const own = (series = new Set());
      const collected = await collect();
      return { ...collected, resourceMetrics: withoutUnobserved(collected.resourceMetrics, names, own) };
    },
  };
}

/** Equal for equal sets of attributes, in whatever order. */
export function attributesKey(attributes: Attributes = {}): string {
  return JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function withoutUnobserved(
  { resource, scopeMetrics }: ResourceMetrics,
  names: ReadonlySet<string>,
  series: ReadonlySet<string>,
): ResourceMetrics {
  const keep = (metric: MetricData): MetricData[] => {
    const { name } = metric.descriptor;
    if (!names.has(name)) return [metric];
    const dataPoints = (metric.dataPoints as { attributes: Attributes }[]).filter(({ attributes }) =>
      series.has(`${name} ${attributesKey(attributes)}`),
    );
    return dataPoints.length === 0 ? [] : [{ ...metric, dataPoints } as MetricData];
  };
  return { resource, scopeMetrics: scopeMetrics.map((each) => ({ ...each, metrics: each.metrics.flatMap(keep) })) };
}
