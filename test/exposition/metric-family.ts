import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';

// Pages of delimited protobuf as another library reads them, by the public definition.

export interface TimestampMessage {
  readonly seconds?: string;
  readonly nanos?: number;
}

export interface ExemplarMessage {
  readonly label?: readonly LabelMessage[];
  readonly value?: number;
  readonly timestamp?: TimestampMessage;
}

export interface LabelMessage {
  readonly name: string;
  readonly value: string;
}

export interface SpanMessage {
  readonly offset: number;
  readonly length: number;
}

export interface HistogramMessage {
  readonly sampleCount?: string;
  readonly sampleSum?: number;
  readonly bucket?: readonly {
    readonly cumulativeCount: string;
    readonly upperBound: number;
    readonly exemplar?: ExemplarMessage;
  }[];
  readonly createdTimestamp?: TimestampMessage;
  readonly schema?: number;
  readonly zeroThreshold?: number;
  readonly zeroCount?: string;
  readonly negativeSpan?: readonly SpanMessage[];
  readonly negativeDelta?: readonly string[];
  readonly positiveSpan?: readonly SpanMessage[];
  readonly positiveDelta?: readonly string[];
  readonly exemplars?: readonly ExemplarMessage[];
}

/** Fields that are not there are not there; 64-bit integers are decimal text. */
export interface MetricMessage {
  readonly label?: readonly LabelMessage[];
  readonly gauge?: { readonly value: number };
  readonly counter?: {
    readonly value: number;
    readonly exemplar?: ExemplarMessage;
    readonly createdTimestamp?: TimestampMessage;
  };
  readonly summary?: {
    readonly sampleCount: string;
    readonly sampleSum: number;
    readonly quantile?: readonly { readonly quantile: number; readonly value: number }[];
    readonly createdTimestamp?: TimestampMessage;
  };
  readonly histogram?: HistogramMessage;
}

export interface FamilyMessage {
  readonly name: string;
  readonly help?: string;
  readonly type: 'COUNTER' | 'GAUGE' | 'SUMMARY' | 'HISTOGRAM';
  readonly unit?: string;
  readonly metric?: readonly MetricMessage[];
}

const definition = readFileSync(new URL('../fixtures/metrics.proto', import.meta.url), 'utf8');
const { root } = protobuf.parse(definition);
root.resolveAll(); // Before that it does not know what is packed.
const MetricFamily = root.lookupType('io.prometheus.client.MetricFamily');

export interface DecodedFamily {
  readonly family: FamilyMessage;
  /** Without the length before it. */
  readonly bytes: Uint8Array;
}

/** @throws where the bytes are not messages with their lengths before them, or have fields that the definition does not. */
export function decodeFamilies(page: Uint8Array): DecodedFamily[] {
  const reader = protobuf.Reader.create(page);
  const families: DecodedFamily[] = [];
  while (reader.pos < reader.len) {
    const length = reader.uint32();
    const bytes = page.subarray(reader.pos, reader.pos + length);
    if (bytes.length < length) throw new Error(`a family of ${length} bytes has ${bytes.length} of them`);
    reader.skip(length);
    const message = MetricFamily.decode(bytes);
    const family = MetricFamily.toObject(message, { longs: String, enums: String }) as FamilyMessage;
    // A field that is unknown, or there twice, would be lost on the way back; the order may differ and deltas are packed or not.
    const again = MetricFamily.encode(message).finish().length;
    if (again !== bytes.length) throw new Error(`${family.name}: ${bytes.length} bytes say what ${again} would`);
    families.push({ family, bytes });
  }
  return families;
}
