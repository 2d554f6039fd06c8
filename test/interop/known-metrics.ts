import { ROOT_CONTEXT, trace, TraceFlags, type Attributes, type Context } from '@opentelemetry/api';
import type { Escaping } from '../../src/exposition/escaping.ts';
import type { BindableMeter } from '../../src/instruments/index.ts';

/** What a name is at Prometheus: whatever the escaping scheme, or by it. */
export type Named = string | Readonly<Record<Escaping, string>>;

export interface KnownRow {
  readonly attributes: Attributes;
  readonly labels: readonly (readonly [Named, string])[];
  /** Recorded one after the other. */
  readonly values: readonly number[];
  /** Whether each was recorded in a sampled span, of which `spanOf` tells. */
  readonly spans?: boolean;
  /** Of exponential histograms, as native ones: what the values leave of 20, and Prometheus takes of that. */
  readonly schema?: number;
}

/** A metric that was recorded, and by hand what Prometheus is to know of it. */
export interface KnownMetric {
  readonly kind: 'counter' | 'up_down_counter' | 'gauge' | 'histogram' | 'exponential_histogram' | 'summary';
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly at: Named;
  /** The words at the end of the name. */
  readonly atUnit: string;
  /** Of histograms; of exponential ones those that they have in formats without native histograms. */
  readonly bounds?: readonly number[];
  readonly rows: readonly KnownRow[];
}

/** The span that value `i` of a row was recorded in. */
export function spanOf(i: number): { readonly trace_id: string; readonly span_id: string } {
  const digits = i.toString(16).padStart(2, '0');
  return { trace_id: `0af7651916cd43dd8448eb211c8031${digits}`, span_id: `b7ad6b71692033${digits}` };
}

export function record(meter: BindableMeter, metrics: readonly KnownMetric[]): void {
  for (const metric of metrics) {
    const recordOne = recorderOf(meter, metric);
    for (const { attributes, values, spans = false } of metric.rows) {
      for (const [i, value] of values.entries()) recordOne(value, attributes, spans ? inSpan(i) : undefined);
    }
  }
}

type RecordOne = (value: number, attributes: Attributes, context: Context | undefined) => void;

function recorderOf(meter: BindableMeter, { kind, name, unit, description, bounds = [] }: KnownMetric): RecordOne {
  const options = { unit, description };
  switch (kind) {
    case 'counter': {
      const counter = meter.createCounter(name, options);
      return (...measurement) => counter.add(...measurement);
    }
    case 'up_down_counter': {
      const counter = meter.createUpDownCounter(name, options);
      return (...measurement) => counter.add(...measurement);
    }
    case 'gauge': {
      const gauge = meter.createGauge(name, options);
      return (...measurement) => gauge.record(...measurement);
    }
    default: {
      const aggregation = {
        histogram: 'explicit_bucket_histogram',
        exponential_histogram: 'base2_exponential_bucket_histogram',
        summary: 'summary',
      } as const;
      const advice = { explicitBucketBoundaries: [...bounds] };
      const histogram = meter.createHistogram(name, { ...options, aggregation: aggregation[kind], advice });
      return (...measurement) => histogram.record(...measurement);
    }
  }
}

function inSpan(i: number): Context {
  const { trace_id: traceId, span_id: spanId } = spanOf(i);
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED });
}

const HOSTILE = 'Help with a \\ backslash, a \\n, "quotes",\na line, # HELP x and 🙂';

const oddValues = {
  'not a number': NaN,
  infinity: Infinity,
  'minus infinity': -Infinity,
  'minus zero': -0,
  'the last whole number': 2 ** 53,
  'the one after it': 2 ** 53 + 2,
  'the least': 5e-324,
  'the largest subnormal': 2.225073858507201e-308,
  'the least normal': 2.2250738585072014e-308,
  'the largest': Number.MAX_VALUE,
  'not 0.3': 0.1 + 0.2,
  large: 1e21,
  small: -1e-7,
};

const hostileTexts = [
  'quotes " and \\" and \'',
  'a backslash \\ and two \\\\ and one at the end \\',
  'lines\nand\r\nlines, and \\n',
  'tabs\tand \0 and \u007f and \u2028 and \u00a0',
  'a"} 1\nshop_orders_total{item="forged"} 1',
  '# EOF\n# TYPE x counter',
  ' spaces ',
  'größe 日本 🙂 \u0301',
  'a,b=c{d}e;f',
];

/** Classic names, by the default strategy. */
export const knownMetrics: readonly KnownMetric[] = [
  {
    ...{ kind: 'counter', name: 'shop.orders', unit: '{order}', at: 'shop_orders_total', atUnit: '' },
    description: HOSTILE,
    rows: [
      { attributes: { item: 'tea' }, labels: [['item', 'tea']], values: [1, 2], spans: true },
      {
        attributes: { item: 'coffee', 'shop.open': true, 'shop.sizes': ['s', 'm'], cups: 3, none: '' },
        labels: [
          ['item', 'coffee'],
          ['shop_open', 'true'],
          ['shop_sizes', '["s","m"]'],
          ['cups', '3'],
        ],
        values: [2 ** 53],
      },
    ],
  },
  {
    ...{ kind: 'counter', name: 'transfer.size', unit: 'By', at: 'transfer_size_bytes_total', atUnit: 'bytes' },
    description: 'Bytes moved',
    rows: [{ attributes: {}, labels: [], values: [0.1, 0.2] }],
  },
  {
    ...{ kind: 'gauge', name: 'odd.values', unit: '', at: 'odd_values', atUnit: '' },
    description: 'Numbers that are seldom seen',
    rows: Object.entries(oddValues).map(([which, value]) => ({
      ...{ attributes: { which }, labels: [['which', which]], values: [value] },
    })),
  },
  {
    ...{ kind: 'gauge', name: 'odd.texts', unit: '', at: 'odd_texts', atUnit: '' },
    description: '',
    rows: [...hostileTexts, 'half \ud800 of a pair'].map((text, i) => ({
      ...{ attributes: { text }, labels: [['text', text.toWellFormed()]], values: [i] },
    })),
  },
  {
    ...{ kind: 'gauge', name: 'pool.utilization', unit: '1', at: 'pool_utilization_ratio', atUnit: '' },
    description: 'Share of the pool in use',
    rows: [{ attributes: {}, labels: [], values: [0.5, 0.25], spans: true }],
  },
  {
    ...{ kind: 'up_down_counter', name: 'pool.connections', unit: '{connection}', at: 'pool_connections', atUnit: '' },
    description: 'Connections',
    rows: [{ attributes: {}, labels: [], values: [3, -5], spans: true }],
  },
  {
    ...{ kind: 'histogram', name: 'request.duration', unit: 's', at: 'request_duration_seconds', atUnit: 'seconds' },
    description: 'Time taken',
    bounds: [0.005, 0.1, 1, 10, 1e6, 1e21],
    rows: [
      {
        attributes: { model: 'iris' },
        labels: [['model', 'iris']],
        values: [0.001, 0.005, 0.05, 1, 3, 20, 1e7, 1e22],
        spans: true,
      },
      { attributes: { model: 'wine' }, labels: [['model', 'wine']], values: [2] },
    ],
  },
  {
    ...{ kind: 'histogram', name: 'temperature', unit: 'Cel', at: 'temperature_celsius', atUnit: 'celsius' },
    description: 'Also below zero',
    bounds: [-10, 0, 10],
    rows: [{ attributes: {}, labels: [], values: [-20, -10, -1, 0, 5, 100] }],
  },
  {
    ...{ kind: 'exponential_histogram', name: 'payload.size', unit: 'By', at: 'payload_size_bytes', atUnit: 'bytes' },
    description: 'Size of what was sent',
    bounds: [0, 0.125, 0.25, 0.5, 1, 2, 4, 8, 16, 32],
    rows: [
      // Powers of two are the upper bounds of their buckets at every schema.
      {
        attributes: { of: 'words' },
        labels: [['of', 'words']],
        values: [0.2, 1, 1.5, 3, 4, 5.5, 30],
        spans: true,
        schema: 4,
      },
      { attributes: { of: 'nothing' }, labels: [['of', 'nothing']], values: [0, 0, 1], schema: 8 },
    ],
  },
  {
    ...{ kind: 'exponential_histogram', name: 'balance', unit: '', at: 'balance', atUnit: '' },
    description: 'On both sides of zero',
    bounds: [0, 0.5, 1, 2],
    rows: [{ attributes: {}, labels: [], values: [-3, -1.1, 0, 1, 1.7, -3], schema: 6 }],
  },
  {
    ...{ kind: 'summary', name: 'work.duration', unit: 's', at: 'work_duration_seconds', atUnit: 'seconds' },
    description: 'Count and sum alone',
    rows: [{ attributes: { worker: 1 }, labels: [['worker', '1']], values: [0.5, 0.25, 8] }],
  },
];

const SIZE: Named = {
  'allow-utf-8': 'paket.größe',
  underscores: 'paket_gr__e',
  dots: 'paket_dot_gr____e',
  values: 'U__paket_2e_gr_f6__df_e',
};
const SUM: Named = {
  'allow-utf-8': 'sendung.größe_total',
  underscores: 'sendung_gr__e_total',
  dots: 'sendung_dot_gr____e__total',
  values: 'U__sendung_2e_gr_f6__df_e__total',
};
const HOSTILE_NAME: Named = {
  'allow-utf-8': '1 "quoted" \\ name\nof 🙂',
  underscores: '___quoted____name_of__',
  dots: '______quoted________name__of____',
  values: 'U___31__20__22_quoted_22__20__5c__20_name_a_of_20__1f642_',
};
const COUNTED: Named = {
  'allow-utf-8': 'gezählt',
  underscores: 'gez_hlt',
  dots: 'gez__hlt',
  values: 'U__gez_e4_hlt',
};
const NATIVE: Named = { 'allow-utf-8': 'größen', underscores: 'gr__en', dots: 'gr____en', values: 'U__gr_f6__df_en' };
const WHERE: Named = {
  'allow-utf-8': 'wo.länge:x',
  underscores: 'wo_l_nge_x',
  dots: 'wo_dot_l__nge__x',
  values: 'U__wo_2e_l_e4_nge_3a_x',
};
const HOSTILE_LABEL: Named = {
  'allow-utf-8': 'a "b"\n\\',
  underscores: 'a__b___',
  dots: 'a____b______',
  values: 'U__a_20__22_b_22__a__5c_',
};
const HOSTILE_VALUE = 'größe "\\"\n';

/** Names of all of Unicode, for the strategy `no_translation`. */
export const utf8Metrics: readonly KnownMetric[] = [
  {
    ...{ kind: 'gauge', name: '1 "quoted" \\ name\nof 🙂', unit: 'By', at: HOSTILE_NAME, atUnit: '' },
    description: HOSTILE,
    rows: [
      {
        attributes: { kind: HOSTILE_VALUE, 'wo.länge:x': 'da', 'a "b"\n\\': 'c' },
        labels: [
          ['kind', HOSTILE_VALUE],
          [WHERE, 'da'],
          [HOSTILE_LABEL, 'c'],
        ],
        values: [0.5],
      },
      { attributes: {}, labels: [], values: [-0] },
    ],
  },
  {
    ...{ kind: 'counter', name: 'sendung.größe_total', unit: '', at: SUM, atUnit: '' },
    description: 'A counter that ends as one',
    rows: [{ attributes: {}, labels: [], values: [1, 2], spans: true }],
  },
  {
    ...{ kind: 'counter', name: 'gezählt', unit: '', at: COUNTED, atUnit: '' },
    description: 'A counter that does not',
    rows: [{ attributes: { 'wo.länge:x': 'hier' }, labels: [[WHERE, 'hier']], values: [7], spans: true }],
  },
  {
    ...{ kind: 'histogram', name: 'paket.größe', unit: 'By', at: SIZE, atUnit: '' },
    description: 'Ohne Einheit im Namen',
    bounds: [1, 2.5],
    rows: [{ attributes: { 'wo.länge:x': 'da' }, labels: [[WHERE, 'da']], values: [0.5, 2, 3], spans: true }],
  },
  {
    ...{ kind: 'exponential_histogram', name: 'größen', unit: '', at: NATIVE, atUnit: '' },
    description: 'Größen',
    bounds: [0.5, 1, 2, 4],
    rows: [
      { attributes: { 'wo.länge:x': 'da' }, labels: [[WHERE, 'da']], values: [1, 1.5, 3], spans: true, schema: 6 },
    ],
  },
  {
    ...{
      kind: 'summary',
      name: 'Σ',
      unit: '',
      at: { 'allow-utf-8': 'Σ', underscores: '_', dots: '__', values: 'U___3a3_' },
      atUnit: '',
    },
    description: '',
    rows: [{ attributes: {}, labels: [], values: [1, 2] }],
  },
];
