import type { HistogramPoints, NumberPoints, SummaryPoints } from '../metric/model.ts';
import type { Family, SeriesBlock } from './families.ts';
import type { Labels } from './labels.ts';

/** Content-Type of `encodeText`. `escaping=` is a parameter of text 1.0.0 and later only. */
export const TEXT_0_0_4 = 'text/plain; version=0.0.4; charset=utf-8';

/** UTF-16 units after which a slice is handed out; a slice ends with a series, so it may be longer by one. */
const SLICE_LENGTH = 64 * 1024;

/**
 * Families as Prometheus' text format 0.0.4: no timestamps, exemplars, units or `_created`, of which it knows nothing.
 *
 * @returns the page in slices of about 64 KiB, each of whole lines, so that the caller can yield between them; none for no families.
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function* encodeText(families: Iterable<Family>): Generator<string, void, undefined> {
  let slice = '';
  for (const family of families) {
    const { name, type, help } = family;
    if (help !== '') slice += `# HELP ${name} ${escapeHelp(help)}\n`;
    slice += `# TYPE ${name} ${type}\n`;
    for (const series of seriesOf(family)) {
      slice += series;
      if (slice.length >= SLICE_LENGTH) {
        yield slice;
        slice = '';
      }
    }
  }
  if (slice !== '') yield slice;
}

/** The lines of one series at a time. */
function seriesOf(family: Family): Generator<string> {
  switch (family.type) {
    case 'histogram':
      return histograms(family.name, family.blocks);
    case 'summary':
      return summaries(family.name, family.blocks);
    case 'counter':
    case 'gauge':
      return numbers(family.name, family.blocks);
  }
}

function* numbers(name: string, blocks: readonly SeriesBlock<NumberPoints>[]): Generator<string> {
  for (const { labels, points } of blocks) {
    for (const [row, value] of points.values.entries()) {
      const own = labels[row];
      if (own !== undefined) yield `${name}${braced(encodeLabels(own))} ${formatValue(value)}\n`;
    }
  }
}

function* histograms(name: string, blocks: readonly SeriesBlock<HistogramPoints>[]): Generator<string> {
  for (const { labels, points } of blocks) {
    const { bounds, bucketCounts, counts, sums } = points;
    const les = bounds.map((bound) => `le="${formatBound(bound)}"} `);
    const width = bounds.length + 1;
    for (const [row, count] of counts.entries()) {
      const own = labels[row];
      if (own === undefined) continue;
      const text = encodeLabels(own);
      const bucket = text === '' ? `${name}_bucket{` : `${name}_bucket{${text},`;
      const sum = sums[row] ?? NaN;
      let lines = '';
      let below = 0;
      for (const [i, le] of les.entries()) {
        below += bucketCounts[row * width + i] ?? 0;
        lines += `${bucket}${le}${formatValue(below)}\n`;
      }
      lines += `${bucket}le="+Inf"} ${formatValue(count)}\n`;
      if (!Number.isNaN(sum)) lines += `${name}_sum${braced(text)} ${formatValue(sum)}\n`;
      yield `${lines}${name}_count${braced(text)} ${formatValue(count)}\n`;
    }
  }
}

function* summaries(name: string, blocks: readonly SeriesBlock<SummaryPoints>[]): Generator<string> {
  for (const { labels, points } of blocks) {
    const { quantiles, quantileValues, counts, sums } = points;
    const quantileLabels = quantiles.map((quantile) => `quantile="${formatBound(quantile)}"} `);
    for (const [row, count] of counts.entries()) {
      const own = labels[row];
      if (own === undefined) continue;
      const text = encodeLabels(own);
      const sample = text === '' ? `${name}{` : `${name}{${text},`;
      const sum = sums[row] ?? NaN;
      let lines = '';
      for (const [i, label] of quantileLabels.entries()) {
        lines += `${sample}${label}${formatValue(quantileValues[row * quantiles.length + i] ?? NaN)}\n`;
      }
      if (!Number.isNaN(sum)) lines += `${name}_sum${braced(text)} ${formatValue(sum)}\n`;
      yield `${lines}${name}_count${braced(text)} ${formatValue(count)}\n`;
    }
  }
}

function braced(labels: string): string {
  return labels === '' ? '' : `{${labels}}`;
}

function encodeLabels(labels: Labels): string {
  let text = '';
  for (let i = 0; i < labels.length; i += 2) {
    text += `${i === 0 ? '' : ','}${labels[i] ?? ''}="${escapeLabelValue(labels[i + 1] ?? '')}"`;
  }
  return text;
}

// Only a line feed ends a line for the parsers of this format, and it has no escape for a carriage return: that one stays as it is.
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '"': '\\"' };

function escapeHelp(help: string): string {
  return help.replace(/[\\\n]/g, (character) => ESCAPES[character] ?? character);
}

function escapeLabelValue(value: string): string {
  // Nearly every value passes the test, which is several times cheaper than a replacement that finds nothing.
  return /[\\\n"]/.test(value) ? value.replace(/[\\\n"]/g, (character) => ESCAPES[character] ?? character) : value;
}

/** Shortest decimal that is read back as the same double. */
function formatValue(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return String(value);
}

/**
 * As Go's `%g` and so as every official client writes it: `le` and `quantile` are compared as strings, and 1048576 must be
 * `1.048576e+06` here too.
 */
function formatBound(bound: number): string {
  if (bound === -Infinity || bound === 0) return formatValue(bound);
  const [mantissa = '', exponent = ''] = bound.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(bound);
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}
