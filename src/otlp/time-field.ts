import type { ByteWriter } from '../std/byte-writer.ts';
import { FIXED64 } from '../std/protobuf-fields.ts';

/** What 64 bits of nanoseconds can hold: until the year 2554. */
const TIME_MAX_MS = 18_446_744_073_709;

/**
 * Writes a time as nanoseconds, rounded to whole ones as the official SDK does; nothing where it is not known (0), or is none.
 *
 * @param field below 16.
 */
export function createTimeWriter(out: ByteWriter, field: number): (timeMs: number) => void {
  // What was collected together has one time, and mostly one start time.
  let lastMs = NaN;
  let low = 0;
  let high = 0;
  return (timeMs) => {
    if (!(timeMs > 0 && timeMs <= TIME_MAX_MS)) return;
    if (timeMs !== lastMs) {
      lastMs = timeMs;
      ({ low, high } = nanoseconds(timeMs));
    }
    out.reserve(9);
    out.byte(field * 8 + FIXED64);
    out.fixed64(low, high);
  };
}

/** 64 bits, without a product that passes 2^53: seconds are taken as 16 bits and what is above these. */
function nanoseconds(timeMs: number): { low: number; high: number } {
  const restMs = timeMs % 1e3;
  const seconds = (timeMs - restMs) / 1e3;
  const above = Math.floor(seconds / 2 ** 16) * 1e9;
  const low = (seconds % 2 ** 16) * 1e9 + Math.round(restMs * 1e6) + (above % 2 ** 16) * 2 ** 16;
  return { low: low % 2 ** 32, high: Math.floor(above / 2 ** 16) + Math.floor(low / 2 ** 32) };
}
