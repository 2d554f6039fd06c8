import type { Exemplar } from '../metric/model.ts';
import { ByteWriter } from '../std/byte-writer.ts';
import { beginMessage, doubleField, endMessage, stringField, uintField } from '../std/protobuf-fields.ts';
import { createExemplarLabels } from './exemplar-labels.ts';
import type { DropReason } from './families.ts';
import { isTime, type WriterOptions } from './page-writer.ts';

/** How the rows of one block are written. */
export interface RowWriters {
  /** @returns why a row cannot be shown. */
  readonly check: (row: number) => DropReason | undefined;
  /** What a `Metric` has besides its labels. */
  readonly write: (row: number) => void;
}

/** Nothing, where there is no exemplar. */
export type WriteExemplar = (field: number, exemplar: Exemplar | undefined) => void;

export function badUnless(good: boolean): DropReason | undefined {
  return good ? undefined : 'bad_value';
}

export function writeLabel(out: ByteWriter, field: number, name: string, value: string): void {
  const begin = beginMessage(out, field);
  stringField(out, 1, name);
  stringField(out, 2, value);
  endMessage(out, begin);
}

export function exemplarWriter(out: ByteWriter, nameOf: WriterOptions['nameOf']): WriteExemplar {
  const labelsOf = createExemplarLabels(nameOf);
  const writeTime = createTimeWriter(out, 3);
  return (field, exemplar) => {
    if (exemplar === undefined) return;
    const begin = beginMessage(out, field);
    const labels = labelsOf(exemplar);
    for (let i = 0; i + 1 < labels.length; i += 2) writeLabel(out, 1, labels[i]!, labels[i + 1]!);
    doubleField(out, 2, exemplar.value);
    writeTime(exemplar.timeMs);
    endMessage(out, begin);
  };
}

/** Writes a `google.protobuf.Timestamp`; none where the time is not known. */
export function createTimeWriter(out: ByteWriter, field: number): (timeMs: number) => void {
  // Series that came together have one start time.
  const last = new ByteWriter(32);
  let lastMs = 0;
  return (timeMs) => {
    if (!isTime(timeMs)) return;
    if (timeMs !== lastMs) {
      lastMs = timeMs;
      last.length = 0;
      const begin = beginMessage(last, field);
      const seconds = Math.floor(timeMs / 1e3);
      uintField(last, 1, seconds);
      uintField(last, 2, Math.floor((timeMs - seconds * 1e3) * 1e6));
      endMessage(last, begin);
    }
    out.reserve(last.length);
    out.copy(last.bytes, 0, last.length);
  };
}
