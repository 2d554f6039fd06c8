import type { Exemplar } from '../metric/model.ts';
import type { ByteWriter } from '../std/byte-writer.ts';
import { isClassicLabel, isClassicName } from './escaping.ts';
import type { Labels } from './labels.ts';
import { NUMBER_BYTES_MAX, writeNumber } from './number-bytes.ts';
import type { LabelBytes } from './series-labels.ts';

const LINE_FEED = 0x0a;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const BRACE = 0x7d;
/** What a line has besides its name, labels and value, at most. */
const PUNCTUATION = 8;

/** Lines of one sample name that differ in their labels. */
export class SampleLines {
  readonly #out: ByteWriter;
  readonly #bare: Buffer;
  readonly #open: Buffer;

  constructor(out: ByteWriter, name: string) {
    this.#out = out;
    const { bare, open } = sampleStart(name);
    this.#bare = Buffer.from(bare);
    this.#open = Buffer.from(open);
  }

  write({ bytes, from, to }: LabelBytes, value: number): void {
    const out = this.#out;
    out.reserve(this.#open.length + (to - from) + NUMBER_BYTES_MAX + PUNCTUATION);
    if (from === to) out.copy(this.#bare, 0, this.#bare.length);
    else {
      out.copy(this.#open, 0, this.#open.length);
      out.copy(bytes, from, to);
      out.byte(BRACE);
    }
    out.byte(SPACE);
    writeNumber(out, value);
    out.byte(LINE_FEED);
  }
}

/** Writes what stands behind a value, and leaves room for a line feed. */
export type WriteEnd = (exemplar: Exemplar) => void;

/** Lines of one sample name that differ in one more label, such as `le`. */
export class SteppedLines {
  readonly #out: ByteWriter;
  readonly #open: Buffer;
  readonly #steps: readonly string[];
  readonly #stepBytesMax: number;
  readonly #writeEnd: WriteEnd;
  /** Where all that the lines of a series have in common was written first, and the labels of that series. */
  #from = 0;
  #to = 0;
  #labels: LabelBytes | undefined;

  /** @param options.steps ASCII, as in `le="1"`. @param options.writeEnd writes what stands behind a value. */
  constructor(
    out: ByteWriter,
    { name, steps, writeEnd = () => {} }: { name: string; steps: readonly string[]; writeEnd?: WriteEnd },
  ) {
    this.#out = out;
    this.#writeEnd = writeEnd;
    this.#open = Buffer.from(sampleStart(name).open);
    this.#steps = steps.map((step) => `${step}} `);
    this.#stepBytesMax = Math.max(0, ...this.#steps.map(({ length }) => length));
  }

  /** @param labels the same object for all lines of a series, another one for the next. */
  write(step: number, labels: LabelBytes, value: number, exemplar?: Exemplar): void {
    const out = this.#out;
    const { bytes, from, to } = labels;
    out.reserve(this.#open.length + (to - from) + this.#stepBytesMax + NUMBER_BYTES_MAX + PUNCTUATION);
    if (labels !== this.#labels) {
      this.#labels = labels;
      this.#from = out.length;
      out.copy(this.#open, 0, this.#open.length);
      if (to > from) {
        out.copy(bytes, from, to);
        out.byte(COMMA);
      }
      this.#to = out.length;
    } else out.copyWithin(this.#from, this.#to);
    out.ascii(this.#steps[step]!);
    writeNumber(out, value);
    if (exemplar !== undefined) this.#writeEnd(exemplar);
    out.byte(LINE_FEED);
  }
}

/** A sample without labels, and the beginning of one with some. Names that are not classic stand in the braces. */
export function sampleStart(name: string): { readonly bare: string; readonly open: string } {
  if (isClassicName(name)) return { bare: name, open: `${name}{` };
  const said = quoted(name);
  return { bare: `{${said}}`, open: `{${said},` };
}

/** Writes `a="b",c="d"`. */
export function createLabelWriter(): (out: ByteWriter, labels: Labels) => void {
  const starts = new Map<string, string>();
  const startOf = (name: string): string => {
    let start = starts.get(name);
    if (start === undefined) starts.set(name, (start = `${isClassicLabel(name) ? name : `"${escapeQuoted(name)}"`}="`));
    return start;
  };
  return (out, labels) => {
    for (let i = 0; i + 1 < labels.length; i += 2) {
      const value = labels[i + 1]!;
      out.reserve(1);
      if (i > 0) out.byte(COMMA);
      out.utf8(startOf(labels[i]!));
      out.reserve(value.length * 3 + 1);
      if (!out.plain(value)) {
        out.utf8(escapeQuoted(value));
        out.reserve(1);
      }
      out.byte(QUOTE);
    }
  };
}

export function quoted(name: string): string {
  return isClassicName(name) ? name : `"${escapeQuoted(name)}"`;
}

// Only a line feed ends a line for the parsers of these formats, and they have no escape for a carriage return: that one stays as it is.
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '"': '\\"' };

export function escapeHelp(help: string): string {
  return help.replace(/[\\\n]/g, (character) => ESCAPES[character] ?? character);
}

export function escapeQuoted(text: string): string {
  // Nearly every text passes the test, which is several times cheaper than a replacement that finds nothing.
  return /[\\\n"]/.test(text) ? text.replace(/[\\\n"]/g, (character) => ESCAPES[character] ?? character) : text;
}
