/** OTLP in JSON as the Collector's file exporter writes it, as far as tests read it; 64-bit integers are strings there. */
export interface MetricsData {
  readonly resourceMetrics?: readonly {
    readonly resource?: { readonly attributes?: readonly KeyValue[] };
    readonly scopeMetrics?: readonly {
      readonly scope?: { readonly name?: string };
      readonly metrics?: readonly Metric[];
    }[];
  }[];
}

interface Metric {
  readonly name: string;
  readonly unit?: string;
  readonly gauge?: { readonly dataPoints?: readonly NumberPoint[] };
  readonly sum?: { readonly dataPoints?: readonly NumberPoint[] };
  readonly histogram?: { readonly dataPoints?: readonly HistogramPoint[] };
}

interface Point {
  readonly attributes?: readonly KeyValue[];
  readonly timeUnixNano?: string;
}
type NumberPoint = Point & { readonly asInt?: string; readonly asDouble?: number };
type HistogramPoint = Point & { readonly count?: string; readonly sum?: number };

interface KeyValue {
  readonly key: string;
  readonly value: {
    readonly stringValue?: string;
    readonly boolValue?: boolean;
    readonly intValue?: string;
    readonly doubleValue?: number;
  };
}

export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** The newest point of one series. `value` is a number point's value, a histogram's count; `sum` is there for histograms only. */
export interface LastPoint {
  readonly name: string;
  readonly attributes: Attributes;
  readonly resource: Attributes;
  readonly value: number;
  readonly sum?: number;
}

/**
 * The last cumulative point of each series (resource, metric name and attribute set), by its own time and not by the order of
 * the lines.
 */
export function lastPoints(lines: readonly MetricsData[]): LastPoint[] {
  const last = new Map<string, { timeUnixNano: bigint; point: LastPoint }>();
  for (const { resourceMetrics = [] } of lines) {
    for (const { resource, scopeMetrics = [] } of resourceMetrics) {
      for (const metric of scopeMetrics.flatMap(({ metrics = [] }) => metrics)) {
        for (const { timeUnixNano, point } of pointsOf(metric, toAttributes(resource?.attributes))) {
          const series = JSON.stringify([point.resource, point.name, point.attributes]);
          const known = last.get(series);
          if (known === undefined || known.timeUnixNano <= timeUnixNano) last.set(series, { timeUnixNano, point });
        }
      }
    }
  }
  return [...last.values()].map(({ point }) => point);
}

/** Sums the values of one metric by one attribute: of `inference.requests` by `inference.outcome`, say. */
export function sumBy(points: readonly LastPoint[], name: string, attribute: string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const point of points.filter((each) => each.name === name)) {
    const key = String(point.attributes[attribute] ?? '');
    sums[key] = (sums[key] ?? 0) + point.value;
  }
  return sums;
}

function pointsOf(metric: Metric, resource: Attributes): { timeUnixNano: bigint; point: LastPoint }[] {
  const { name, gauge, sum, histogram } = metric;
  const of = ({ attributes, timeUnixNano = '0' }: Point, values: Pick<LastPoint, 'value' | 'sum'>) => ({
    timeUnixNano: BigInt(timeUnixNano),
    point: { name, resource, attributes: toAttributes(attributes), ...values },
  });
  return [
    ...((gauge ?? sum)?.dataPoints ?? []).map((each) => of(each, { value: Number(each.asInt ?? each.asDouble) })),
    ...(histogram?.dataPoints ?? []).map((each) =>
      of(each, { value: Number(each.count), ...(each.sum === undefined ? {} : { sum: each.sum }) }),
    ),
  ];
}

/** Sorted by key, so that equal sets are equal as JSON. */
function toAttributes(keyValues: readonly KeyValue[] = []): Attributes {
  const sorted = keyValues.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  return Object.fromEntries(
    sorted.map(({ key, value: { stringValue, boolValue, intValue, doubleValue } }) => [
      key,
      stringValue ?? boolValue ?? (intValue === undefined ? (doubleValue ?? '') : Number(intValue)),
    ]),
  );
}
