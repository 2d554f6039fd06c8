import type { ByteWriter } from '../std/byte-writer.ts';
import { valueText } from './number-text.ts';

const ZERO = 0x30;
const DIGITS_MAX = 16;
const UINT32 = 2 ** 32;

/** Of `-0.0000012345678901234567`. */
export const NUMBER_BYTES_MAX = 25;

/** Writes the shortest decimal of a double; `reserve(NUMBER_BYTES_MAX)` is enough for it. */
export function writeNumber(out: ByteWriter, value: number): void {
  // Counts and most counters are small whole numbers: writing their digits costs a tenth of making a string of them.
  if (value >= 1 && value <= Number.MAX_SAFE_INTEGER && Math.floor(value) === value) writeDigits(out, value);
  else out.ascii(valueText(value));
}

function writeDigits(out: ByteWriter, value: number): void {
  const { bytes } = out;
  let count = 1;
  for (let power = 10; value >= power && count < DIGITS_MAX; power *= 10) count++;
  let at = out.length + count;
  out.length = at;
  let rest = value;
  while (rest >= UINT32) {
    const tens = Math.floor(rest / 10);
    bytes[--at] = ZERO + (rest - tens * 10);
    rest = tens;
  }
  let small = rest >>> 0;
  while (small >= 10) {
    const tens = (small / 10) >>> 0;
    bytes[--at] = ZERO + (small - tens * 10);
    small = tens;
  }
  bytes[at - 1] = ZERO + small;
}
