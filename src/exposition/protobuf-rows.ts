import { isCount } from '../metric/counts.ts';
import type { ByteWriter } from '../std/byte-writer.ts';
import { beginMessage, doubleField, endMessage, uintField } from '../std/protobuf-fields.ts';
import type { Block } from './blocks.ts';
import type { Rows, WriterOptions } from './page-writer.ts';
import { explicitHistograms, nativeHistograms } from './protobuf-histograms.ts';
import { badUnless, createTimeWriter, exemplarWriter, type RowWriters, type WriteExemplar } from './protobuf-parts.ts';

// Fields of `Metric`.
const GAUGE = 2;
const COUNTER = 3;
const SUMMARY = 4;

export function createRowWriters(out: ByteWriter, { block, family }: Rows, { nameOf }: WriterOptions): RowWriters {
  const writeExemplar = exemplarWriter(out, nameOf);
  switch (block.kind) {
    case 'number':
      return family.type === 'counter' ? counters(out, block, writeExemplar) : gauges(out, block);
    case 'histogram':
      return explicitHistograms(out, block, writeExemplar);
    case 'exponential_histogram':
      return nativeHistograms(out, block, writeExemplar);
    case 'summary':
      return summaries(out, block);
  }
}

function gauges(out: ByteWriter, { points: { values } }: Block & { kind: 'number' }): RowWriters {
  return {
    check: () => undefined,
    write: (row) => {
      const begin = beginMessage(out, GAUGE);
      doubleField(out, 1, values[row]!);
      endMessage(out, begin);
    },
  };
}

function counters(
  out: ByteWriter,
  { points: { values, exemplars, startTimesMs } }: Block & { kind: 'number' },
  writeExemplar: WriteExemplar,
): RowWriters {
  const writeStart = createTimeWriter(out, 3);
  return {
    check: (row) => badUnless(values[row]! >= 0),
    write: (row) => {
      const begin = beginMessage(out, COUNTER);
      doubleField(out, 1, values[row]!);
      writeExemplar(2, exemplars?.[row]);
      writeStart(startTimesMs[row]!);
      endMessage(out, begin);
    },
  };
}

function summaries(out: ByteWriter, { points }: Block & { kind: 'summary' }): RowWriters {
  const { quantiles, quantileValues, sums, counts, startTimesMs } = points;
  const writeStart = createTimeWriter(out, 4);
  return {
    check: (row) => badUnless(isCount(counts[row]!)),
    write: (row) => {
      const begin = beginMessage(out, SUMMARY);
      uintField(out, 1, counts[row]!);
      doubleField(out, 2, sums[row]!);
      for (const [i, quantile] of quantiles.entries()) {
        const inner = beginMessage(out, 3);
        doubleField(out, 1, quantile);
        doubleField(out, 2, quantileValues[row * quantiles.length + i]!);
        endMessage(out, inner);
      }
      writeStart(startTimesMs[row]!);
      endMessage(out, begin);
    },
  };
}
