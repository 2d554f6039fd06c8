import type { Block } from './blocks.ts';
import type { DropReason, Family } from './families.ts';
import type { RenderLabels, SeriesLabels } from './series-labels.ts';

/** Rows of one block, and where their labels are. */
export interface Rows<B extends Block = Block> {
  readonly family: Family;
  readonly block: B;
  readonly labels: SeriesLabels;
  /** The first row of the block within the labels. */
  readonly first: number;
  /** A row cannot be shown. */
  readonly drop: (reason: DropReason) => void;
}

/** Writes one row of a block, or drops it. */
export type WriteRow = (row: number) => void;

/**
 * What one format does with families, in this order: `begin`, for each block `rows`, `end`; at last `finish`. It knows nothing of
 * collections and of HTTP, and gets families that are valid.
 *
 * What it hands out is valid until it is called again.
 */
export interface PageWriter {
  renderLabels(family: Family): RenderLabels;
  begin(family: Family): void;
  rows(rows: Rows): WriteRow;
  /** Asked for after each row: whether `flush` should be called. */
  isFull(): boolean;
  /** Makes room. May hand out nothing. */
  flush(): Iterable<Buffer>;
  end(): Iterable<Buffer>;
  /** The rest. */
  finish(): Iterable<Buffer>;
}

/** What pages of one format are made with. */
export interface WriterOptions {
  /** The label name of an attribute key. */
  readonly nameOf: (key: string) => string;
  /** Whether OpenMetrics gets `_created` samples. */
  readonly created: boolean;
  /** The only samples that are wanted; not there = all are. */
  readonly names?: ReadonlySet<string> | undefined;
}

/** The last one of `Date`. */
const TIME_MAX_MS = 8.64e15;

/** Whether a time, in Unix ms, is one: 0 stands for none, and what comes from elsewhere may be no time at all. */
export function isTime(timeMs: number): boolean {
  return timeMs > 0 && timeMs <= TIME_MAX_MS;
}

/** A part for when there is nothing to hand out, and others may have their turn. */
export const NOTHING = Buffer.alloc(0);

/** Bytes after which a page is handed out in parts; a part ends with a series, and may be longer by one. */
export const PART_BYTES = 64 * 1024;
