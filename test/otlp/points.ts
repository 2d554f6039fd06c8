import { decodeMessage } from './messages.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Each point of a request with all that stands around it, in order. */
export function pointsOf(bytes: Uint8Array): unknown[] {
  const points: unknown[] = [];
  const { resourceMetrics = [] } = decodeMessage('ExportMetricsServiceRequest', bytes) as {
    resourceMetrics?: Fields[];
  };
  for (const { scopeMetrics = [], ...resource } of resourceMetrics) {
    for (const { metrics = [], ...scope } of scopeMetrics as Fields[]) {
      for (const metric of metrics as Fields[]) {
        const kind = Object.keys(metric).find((key) =>
          /^(gauge|sum|histogram|exponentialHistogram|summary)$/.test(key),
        );
        if (kind === undefined) continue;
        const { [kind]: data, ...own } = metric;
        const { dataPoints = [], ...about } = data as { dataPoints?: unknown[] };
        for (const point of dataPoints) points.push({ resource, scope, own, kind, about, point });
      }
    }
  }
  return points;
}
