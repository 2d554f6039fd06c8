import type { TimedCase } from '../case.ts';

export interface Subject {
  /** Records on every series. */
  readonly touch: () => void;
  /** Collects and makes one page: the text of it, or how many bytes it has, where they are handed out in parts. */
  readonly scrape: () => Promise<string | number>;
  /** A page as a whole, where `scrape` does not give it; undefined if it is no text. */
  readonly read?: () => Promise<string | undefined>;
  /** That a page of text has; not there = nobody knows. */
  readonly samples?: number | undefined;
}

/** Enough for the optimising compiler. */
const WARM_UP_MS = 250;

/** A scrape after all series have been recorded on. */
export function scrapeCase({ touch, scrape, read, samples }: Subject): TimedCase {
  let page: string | number = 0;
  return {
    warmUpMs: WARM_UP_MS,
    prepare: touch,
    run: async () => {
      page = await scrape();
      return 1;
    },
    findings: async () => {
      const text = typeof page === 'string' ? page : await read?.();
      if (text !== undefined && samples !== undefined) check(text, samples);
      return { page_bytes: typeof page === 'string' ? Buffer.byteLength(page) : page };
    },
  };
}

/** Of one histogram: its buckets, that above all bounds among them, sum and count. */
export function samplesOfHistogram(bounds: readonly number[]): number {
  return bounds.length + 3;
}

/** Nobody is to be quick by leaving something out. */
function check(page: string, samples: number): void {
  const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length !== samples) throw new Error(`there are ${lines.length} samples on the page, not ${samples}`);
}
