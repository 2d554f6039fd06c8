import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { goldenFolder, goldenPages } from './golden-pages.ts';
import { decodeFamilies } from './metric-family.ts';
import { pageOf } from './page.ts';
import { parseError, withoutPromtool } from './promtool.ts';

// Whole pages, byte for byte. `UPDATE_GOLDEN=1 node --test test/exposition` writes them anew; the diff is the review.
const update = process.env.UPDATE_GOLDEN === '1';

describe('golden pages', () => {
  for (const { file, options, snapshot } of goldenPages) {
    const { bytes, text } = pageOf(snapshot, options);
    const said = options.format === 'protobuf' ? describeBytes(bytes) : text;

    it(`${file} is what was recorded`, () => {
      const expected = new URL(file, goldenFolder);
      if (update) writeFileSync(expected, said);
      assert.equal(said, readFileSync(expected, 'utf8'));
    });

    if (options.format === 'text') {
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
