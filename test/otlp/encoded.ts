import type { Snapshot } from '../../src/metric/model.ts';
import { createEncoder, type EncodeDrop, type EncodedBatch, type Encoder } from '../../src/otlp/encode.ts';

export interface Encoded {
  readonly batches: readonly EncodedBatch[];
  readonly dropped: readonly EncodeDrop[];
}

export interface EncodedOptions {
  readonly encoder?: Encoder;
  readonly batchBytesMax?: number;
}

export function encoded(
  snapshots: readonly Snapshot[],
  { encoder = createEncoder(), batchBytesMax = Infinity }: EncodedOptions = {},
): Encoded {
  const dropped: EncodeDrop[] = [];
  const drop = (one: EncodeDrop): void => void dropped.push(one);
  const parts = [...encoder.encode(snapshots, { batchBytesMax, drop })];
  return { batches: parts.filter((part) => part !== undefined), dropped };
}

/** Of a request without a limit: no bytes, if there are no points. */
export function encodedBytes(...snapshots: Snapshot[]): Uint8Array {
  return encoded(snapshots).batches[0]?.bytes ?? new Uint8Array(0);
}
