import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { ExpositionOptions, PageOptions } from '../../src/exposition/index.ts';
import { decodeFamilies } from './metric-family.ts';
import { pageOf } from './page.ts';
import { parseError, withoutPromtool } from './promtool.ts';
import { toSnapshot, type SnapshotRows } from './snapshot.ts';

// Whole pages, byte for byte. `UPDATE_GOLDEN=1 node --test test/exposition` writes them anew; the diff is the review.
const folder = new URL('../golden/', import.meta.url);
const update = process.env.UPDATE_GOLDEN === '1';

/** By file; what is before the first point is the snapshot. */
const pages: Record<string, Partial<ExpositionOptions & PageOptions>> = {
  'empty.prom': {},
  'empty.v1.prom': { format: 'text_1_0_0' },
  'empty.om': { format: 'openmetrics' },
  'empty.pb': { format: 'protobuf' },

  'kinds.prom': {},
  'kinds.constants.prom': {
    ...{ scopeInfo: false, targetInfo: false, strategy: 'underscore_escaping_without_suffixes' },
    isConstantLabel: (key) => key.startsWith('service.'),
  },
  'kinds.v1.prom': {
    ...{ format: 'text_1_0_0', escaping: 'allow-utf-8' },
    strategy: 'no_utf8_escaping_with_suffixes',
  },
  'kinds.om': { format: 'openmetrics' },
  'kinds.uncreated.om': {
    ...{ format: 'openmetrics', escaping: 'dots', scopeInfo: false, created: false },
    strategy: 'no_utf8_escaping_with_suffixes',
  },
  'kinds.pb': { format: 'protobuf' },

  'hostile.prom': {},
  'hostile.v1.prom': { format: 'text_1_0_0', escaping: 'dots', strategy: 'no_translation' },
  'hostile.om': { format: 'openmetrics', escaping: 'allow-utf-8', strategy: 'no_translation' },
  'hostile.values.om': { format: 'openmetrics', escaping: 'values', strategy: 'no_utf8_escaping_with_suffixes' },
  'hostile.pb': { format: 'protobuf', escaping: 'allow-utf-8', strategy: 'no_utf8_escaping_with_suffixes' },

  'exponential.prom': {},
  'exponential.om': { format: 'openmetrics' },
  'exponential.pb': { format: 'protobuf' },
};

describe('golden pages', () => {
  for (const [file, options] of Object.entries(pages)) {
    const [name = ''] = file.split('.');
    const rows = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as SnapshotRows;
    const { bytes, text } = pageOf(toSnapshot(rows), options);
    const said = options.format === 'protobuf' ? describeBytes(bytes) : text;

    it(`${file} is what was recorded`, () => {
      const expected = new URL(file, folder);
      if (update) writeFileSync(expected, said);
      assert.equal(said, readFileSync(expected, 'utf8'));
    });

    if (file.endsWith('.prom') && !file.endsWith('.v1.prom')) {
      it(`${file} is read by promtool`, { skip: withoutPromtool }, () => {
        assert.equal(parseError(text), undefined);
      });
    }
  }
});

/** Of each family of a page of protobuf what another library reads, and the bytes in hexadecimal. */
function describeBytes(page: Buffer): string {
  return decodeFamilies(page)
    .map(({ family, bytes }) => {
      const { metric = [], ...head } = family;
      const lines = [oneLine(head), ...metric.map((own) => `  ${oneLine(own)}`)];
      const hex =
        Buffer.from(bytes)
          .toString('hex')
          .match(/.{1,120}/g) ?? [];
      return `${lines.join('\n')}\n  ${String(bytes.length)} bytes\n${hex.map((line) => `    ${line}\n`).join('')}`;
    })
    .join('\n');
}

/** JSON knows no NaN, infinities and -0. */
function oneLine(value: unknown): string {
  return JSON.stringify(value, (_, own: unknown) => {
    if (typeof own !== 'number') return own;
    return Object.is(own, -0) ? '-0' : Number.isFinite(own) ? own : String(own);
  });
}
