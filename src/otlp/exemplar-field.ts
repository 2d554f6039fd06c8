import type { Exemplar } from '../metric/model.ts';
import type { ByteWriter } from '../std/byte-writer.ts';
import { beginMessage, endMessage } from '../std/protobuf-fields.ts';
import { writeAttributes } from './attribute-fields.ts';
import { writeNumber } from './number-field.ts';
import { createTimeWriter } from './time-field.ts';

export interface ExemplarFieldOptions {
  /** Of the point. */
  readonly field: number;
  /** Whether the instrument was declared to take integers only. */
  readonly integer: boolean;
}

/**
 * Writes exemplars, without ids that are none. One whose attributes cannot be read is left out.
 *
 * Source: opentelemetry/proto/metrics/v1/metrics.proto
 */
export function createExemplarWriter(
  out: ByteWriter,
  { field, integer }: ExemplarFieldOptions,
): (exemplar: Exemplar) => void {
  const writeTime = createTimeWriter(out, 2);
  const number = { asDouble: 3, integer };
  return ({ value, timeMs, traceId, spanId, attributes }) => {
    const { length } = out;
    const begin = beginMessage(out, field);
    try {
      if (attributes !== undefined) writeAttributes(out, 7, attributes);
    } catch {
      out.length = length;
      return;
    }
    writeTime(timeMs);
    writeNumber(out, value, number);
    writeId(out, 4, { text: spanId, bytes: 8 });
    writeId(out, 5, { text: traceId, bytes: 16 });
    endMessage(out, begin);
  };
}

function writeId(out: ByteWriter, field: number, { text, bytes }: { text: string; bytes: number }): void {
  if (text.length !== bytes * 2) return;
  const { length } = out;
  const begin = beginMessage(out, field);
  out.reserve(bytes);
  for (let i = 0; i < text.length; i += 2) {
    const byte = digit(text.charCodeAt(i)) * 16 + digit(text.charCodeAt(i + 1));
    if (Number.isNaN(byte)) {
      out.length = length;
      return;
    }
    out.byte(byte);
  }
  endMessage(out, begin);
}

/** @returns NaN for what is no hexadecimal digit. */
function digit(unit: number): number {
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30;
  const letter = unit | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : NaN;
}
