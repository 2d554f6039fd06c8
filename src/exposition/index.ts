import type { Snapshot } from '../metric/model.ts';
import { ByteWriter } from '../std/byte-writer.ts';
import type { Escaping } from './escaping.ts';
import { groupFamilies, type Dropped, type DropReason, type Family, type FamilyOptions } from './families.ts';
import { labelNaming } from './family-naming.ts';
import { LabelCache } from './label-cache.ts';
import type { Format } from './negotiation.ts';
import { NOTHING, PART_BYTES, type PageWriter, type WriterOptions } from './page-writer.ts';
import { ProtobufWriter } from './protobuf.ts';
import { sampleNames } from './sample-names.ts';
import type { SeriesLabels } from './series-labels.ts';
import { TextWriter } from './text.ts';

/** What all pages have in common. */
export interface ExpositionOptions extends Omit<FamilyOptions, 'format' | 'escaping'> {
  /** Whether OpenMetrics gets `_created` samples; protobuf, where they cost nothing, always has the start times. */
  readonly created: boolean;
}

export interface PageOptions {
  readonly format: Format;
  readonly escaping: Escaping;
  /** Exact names of the only samples that are wanted, as the page has them; of protobuf whole families. Not there = all are wanted. */
  readonly names?: ReadonlySet<string> | undefined;
}

/** Prometheus' formats: from snapshots to bytes, free of I/O. It keeps label bytes from page to page. */
export interface Exposition {
  /**
   * One page. The work is done while it is iterated over, a part of it for each part that is handed out.
   *
   * Parts may be empty (there is more to do, and others may have their turn), and each is valid only until the next is asked for. A page
   * that is left unfinished must be closed (`return`), as `for of` does. Any number of pages may be in progress.
   *
   * @param drop is told what cannot be on the page; for series that are found while they are written, at the end.
   */
  page(snapshot: Snapshot, options: PageOptions, drop: (dropped: Dropped) => void): Generator<Buffer, void, undefined>;
}

/** Rows that have their labels rendered before others get their turn. */
const LABELS_PER_PART = 128;
const FAMILIES_PER_PART = 32;
/** Formats and escaping schemes whose label bytes are kept: whoever scrapes chooses, and is not to choose how much memory that takes. */
const CACHES_MAX = 3;
const WRITERS_KEPT = 4;

export function createExposition(options: ExpositionOptions): Exposition {
  const caches = new Map<string, LabelCache>();
  const spare: ByteWriter[] = [];

  const cacheOf = ({ format, escaping }: PageOptions): LabelCache => {
    const key = `${format === 'protobuf' ? format : 'text'} ${escaping}`;
    const cache = caches.get(key) ?? new LabelCache();
    caches.delete(key);
    caches.set(key, cache);
    const [oldest] = caches.keys();
    if (caches.size > CACHES_MAX && oldest !== undefined) caches.delete(oldest);
    return cache;
  };
  const giveBack = (writer: ByteWriter): void => {
    // One that had to grow for a huge series is not kept.
    if (spare.length < WRITERS_KEPT && writer.bytes.length <= 2 * PART_BYTES) spare.push(writer);
  };

  return {
    *page(snapshot, pageOptions, drop) {
      const { format, names } = pageOptions;
      const cache = cacheOf(pageOptions);
      const all = yield* inParts(groupFamilies(snapshot, { ...options, ...pageOptions }, drop));
      const created = format === 'openmetrics' && options.created;
      const families =
        names === undefined ? all : all.filter((family) => hasSampleOf(family, { format, names, created }));
      const buffers = [spare.pop() ?? new ByteWriter(PART_BYTES * 1.5)];
      if (format === 'protobuf') buffers.push(spare.pop() ?? new ByteWriter(PART_BYTES * 1.5));
      const nameOf = labelNaming({ ...options, ...pageOptions });
      const writer = createWriter(format, buffers, { nameOf, created, names });
      try {
        for (const [i, family] of families.entries()) {
          if (i % FAMILIES_PER_PART === 0) yield NOTHING;
          const labels = cache.of(family, writer.renderLabels(family));
          while (!labels.advance(LABELS_PER_PART)) yield NOTHING;
          yield* writeFamily(writer, { family, labels, drop });
        }
        yield* writer.finish();
        cache.keep(all);
      } finally {
        for (const buffer of buffers) {
          buffer.length = 0;
          giveBack(buffer);
        }
      }
    },
  };
}

/** Steps that hand out nothing. */
function* inParts<Result>(steps: Generator<undefined, Result, undefined>): Generator<Buffer, Result, undefined> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    yield NOTHING;
  }
}

function hasSampleOf(
  family: Family,
  { format, names, created }: { format: Format; names: ReadonlySet<string>; created: boolean },
): boolean {
  const isNative = format === 'protobuf' && family.blocks.some(({ kind }) => kind === 'exponential_histogram');
  // A native histogram is a sample of the name of its family.
  if (isNative && names.has(family.name)) return true;
  return sampleNames(family, { created }).some((name) => names.has(name));
}

function createWriter(format: Format, [out, family]: ByteWriter[], options: WriterOptions): PageWriter {
  if (out === undefined) throw new Error('a page needs a buffer');
  if (family !== undefined) return new ProtobufWriter(out, family, options);
  return new TextWriter(out, { ...options, openMetrics: format === 'openmetrics' });
}

function* writeFamily(
  writer: PageWriter,
  { family, labels, drop }: { family: Family; labels: SeriesLabels; drop: (dropped: Dropped) => void },
): Generator<Buffer, void, undefined> {
  writer.begin(family);
  for (const [i, block] of family.blocks.entries()) {
    const left = new Map<DropReason, number>(labels.faults[i]);
    const first = labels.first[i]!;
    const write = writer.rows({
      family,
      block,
      labels,
      first,
      drop: (reason) => void left.set(reason, (left.get(reason) ?? 0) + 1),
    });
    const rows = block.points.attributes.length;
    for (let row = 0; row < rows; row++) {
      if (!labels.isHidden(first + row)) write(row);
      if (writer.isFull()) yield* writer.flush();
    }
    for (const [reason, series] of left) drop({ name: block.metric, reason, series });
  }
  yield* writer.end();
}
