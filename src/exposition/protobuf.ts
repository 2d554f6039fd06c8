import type { ByteWriter } from '../std/byte-writer.ts';
import { beginMessage, endMessage, stringField, uintField, varint } from '../std/protobuf-fields.ts';
import type { Family } from './families.ts';
import { NOTHING, PART_BYTES, type PageWriter, type Rows, type WriteRow, type WriterOptions } from './page-writer.ts';
import { writeLabel } from './protobuf-parts.ts';
import { createRowWriters } from './protobuf-rows.ts';
import type { RenderLabels } from './series-labels.ts';

// Fields of `MetricFamily`, and of `Metric`.
const NAME = 1;
const HELP = 2;
const TYPE = 3;
const METRIC = 4;
const UNIT = 5;
const LABEL = 1;

/** `info` and `unknown` are OpenMetrics' own. */
const TYPES: Readonly<Record<Family['type'], number>> = {
  counter: 0,
  gauge: 1,
  summary: 2,
  unknown: 3,
  histogram: 4,
  info: 1,
};

/**
 * Length-delimited `io.prometheus.client.MetricFamily` messages. Exponential histograms are native ones in it.
 *
 * A family is one message, whose length stands before it: what is longer than a part is kept until all of it is there.
 * Source: https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
 */
export class ProtobufWriter implements PageWriter {
  readonly #out: ByteWriter;
  readonly #options: WriterOptions;
  readonly #family: ByteWriter;
  /** The beginning of the family, where it is longer than a part. */
  #kept: Buffer[] = [];

  /** @param options.names does not matter: what it gets is written as a whole. */
  constructor(out: ByteWriter, family: ByteWriter, options: WriterOptions) {
    this.#out = out;
    this.#family = family;
    this.#options = options;
  }

  renderLabels(): RenderLabels {
    return (writer, labels) => {
      for (let i = 0; i + 1 < labels.length; i += 2) writeLabel(writer, LABEL, labels[i]!, labels[i + 1]!);
    };
  }

  begin({ name, type, help, unit }: Family): void {
    const own = this.#family;
    stringField(own, NAME, name);
    if (help !== '') stringField(own, HELP, help);
    uintField(own, TYPE, TYPES[type]);
    if (unit !== '') stringField(own, UNIT, unit);
  }

  rows(rows: Rows): WriteRow {
    const own = this.#family;
    const { write, check } = createRowWriters(own, rows, this.#options);
    const { labels, first } = rows;
    return (row) => {
      const fault = check(row);
      if (fault !== undefined) return rows.drop(fault);
      const begin = beginMessage(own, METRIC);
      const { bytes, from, to } = labels.of(first + row);
      own.reserve(to - from);
      own.copy(bytes, from, to);
      write(row);
      endMessage(own, begin);
    };
  }

  isFull(): boolean {
    return this.#family.length >= PART_BYTES;
  }

  *flush(): Generator<Buffer> {
    this.#kept.push(Buffer.from(this.#family.take()));
    yield NOTHING;
  }

  *end(): Generator<Buffer> {
    const rest = this.#family.take();
    const kept = this.#kept;
    this.#kept = [];
    varint(
      this.#out,
      kept.reduce((length, part) => length + part.length, rest.length),
    );
    if (kept.length > 0) {
      yield this.#out.take();
      yield* kept;
    }
    this.#out.reserve(rest.length);
    this.#out.copy(rest, 0, rest.length);
    if (this.#out.length >= PART_BYTES) yield this.#out.take();
  }

  *finish(): Generator<Buffer> {
    if (this.#out.length > 0) yield this.#out.take();
  }
}
