import type { ByteWriter } from '../std/byte-writer.ts';
import { FIXED64 } from '../std/protobuf-fields.ts';

/** In points and in exemplars. */
const AS_INT = 6;

export interface NumberFieldOptions {
  /** The field for a double, below 16. */
  readonly asDouble: number;
  /** Whether the instrument was declared to take integers only. */
  readonly integer: boolean;
}

/** Writes the value of a point or an exemplar. What is no integer, or is none that a double holds exactly, is a double anyway. */
export function writeNumber(out: ByteWriter, value: number, { asDouble, integer }: NumberFieldOptions): void {
  out.reserve(9);
  if (integer && Number.isSafeInteger(value)) {
    out.byte(AS_INT * 8 + FIXED64);
    out.fixed64(value, Math.floor(value / 2 ** 32));
  } else {
    out.byte(asDouble * 8 + FIXED64);
    out.double(value);
  }
}

/** @param field below 16. */
export function writeCount(out: ByteWriter, field: number, count: number): void {
  out.reserve(9);
  out.byte(field * 8 + FIXED64);
  out.fixed64(count, Math.floor(count / 2 ** 32));
}

/** @param field below 16. @param value NaN = not known, which is no field. */
export function writeKnown(out: ByteWriter, field: number, value = NaN): void {
  if (Number.isNaN(value)) return;
  out.reserve(9);
  out.byte(field * 8 + FIXED64);
  out.double(value);
}
