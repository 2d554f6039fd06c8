import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { trace } from '@opentelemetry/api';
import fc from 'fast-check';
import { traceContext } from '../../../src/serving/proxy/trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

function spanOf(traceparent: string | string[] | undefined) {
  const context = traceContext(traceparent);
  return context && trace.getSpanContext(context);
}

describe('a traceparent that is taken', () => {
  const cases: Record<string, { header: string; flags?: number }> = {
    'is one of version 00 that is sampled': { header: `00-${TRACE}-${SPAN}-01` },
    'is not sampled': { header: `00-${TRACE}-${SPAN}-00`, flags: 0 },
    'is not sampled, but has another flag': { header: `00-${TRACE}-${SPAN}-02`, flags: 2 },
    'has further flags beside sampled': { header: `00-${TRACE}-${SPAN}-03`, flags: 3 },
    'has all flags': { header: `00-${TRACE}-${SPAN}-ff`, flags: 255 },
    'is of a later version': { header: `01-${TRACE}-${SPAN}-01` },
    'is of a later version that has more behind a dash': { header: `cc-${TRACE}-${SPAN}-01-what-the-future-brings` },
    'is of a later version that has a dash and no more': { header: `fe-${TRACE}-${SPAN}-01-` },
    'has ids that are nearly nothing': { header: `00-${'0'.repeat(31)}1-${'0'.repeat(15)}1-01` },
  };
  for (const [what, { header, flags = 1 }] of Object.entries(cases)) {
    it(what, () => {
      const [, traceId, spanId] = header.split('-');
      assert.deepEqual(spanOf(header), { traceId, spanId, traceFlags: flags, isRemote: true });
    });
  }
});

describe('a traceparent that is not taken', () => {
  const cases: Record<string, string | string[] | undefined> = {
    'is not there': undefined,
    'is empty': '',
    'has a trace id of zeros': `00-${'0'.repeat(32)}-${SPAN}-01`,
    'has a span id of zeros': `00-${TRACE}-${'0'.repeat(16)}-01`,
    'has a trace id in upper case': `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    'has a span id in upper case': `00-${TRACE}-${SPAN.toUpperCase()}-01`,
    'has flags in upper case': `00-${TRACE}-${SPAN}-0B`,
    'has a version in upper case': `0A-${TRACE}-${SPAN}-01`,
    'is of version ff, which is none': `ff-${TRACE}-${SPAN}-01`,
    'is of version 00 and has more behind a dash': `00-${TRACE}-${SPAN}-01-more`,
    'is of version 00 and has a dash behind it': `00-${TRACE}-${SPAN}-01-`,
    'is of a later version and has more without a dash': `01-${TRACE}-${SPAN}-01more`,
    'is of a later version and has longer flags': `01-${TRACE}-${SPAN}-011`,
    'has a trace id that is too short': `00-${TRACE.slice(1)}-${SPAN}-01`,
    'has a trace id that is too long': `00-${TRACE}0-${SPAN}-01`,
    'has a span id that is too short': `00-${TRACE}-${SPAN.slice(1)}-01`,
    'has flags of one digit': `00-${TRACE}-${SPAN}-1`,
    'has no flags': `00-${TRACE}-${SPAN}`,
    'has a version of one digit': `0-${TRACE}-${SPAN}-01`,
    'has no version': `${TRACE}-${SPAN}-01`,
    'has letters that are no hexadecimal digits': `00-${TRACE.replace('a', 'g')}-${SPAN}-01`,
    'has blanks around it': ` 00-${TRACE}-${SPAN}-01 `,
    'has a line feed behind it': `00-${TRACE}-${SPAN}-01\n`,
    'came twice, and was joined': `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
    'came twice, as a list': [`00-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-01`],
    'came as a list of one': [`00-${TRACE}-${SPAN}-01`],
    'is one of another format': `${TRACE}-${SPAN}-1-05e3ac9a4f6e3b90`,
  };
  for (const [what, header] of Object.entries(cases)) it(what, () => assert.equal(spanOf(header), undefined));
});

/** Word by word after the W3C's text, and so written in another way than what is tested. */
function isTaken(header: string): boolean {
  const hex = (text = '', length = 0): boolean => text.length === length && /^[0-9a-f]*$/.test(text);
  const [version = '', traceId = '', spanId = '', flags = ''] = header.split('-');
  if (!hex(version, 2) || version === 'ff' || (version === '00' && header.length > 55)) return false;
  if (!hex(traceId, 32) || Number(`0x${traceId}`) === 0 || !hex(spanId, 16) || Number(`0x${spanId}`) === 0)
    return false;
  return hex(flags, 2);
}

it('whatever comes, it is taken if the specification says so', () => {
  const digits = (length: number) =>
    fc.string({ unit: fc.constantFrom('0', '0', '0', '1', '9', 'a', 'f'), minLength: length, maxLength: length });
  const part = (length: number) =>
    fc.oneof(
      { weight: 8, arbitrary: digits(length) },
      digits(length + 1),
      fc.constantFrom('', '0'.repeat(length), 'F'.repeat(length)),
    );
  const header = fc
    .tuple(part(2), part(32), part(16), part(2), fc.constantFrom('', '', '', '-', '-more', 'more', ' '))
    .map(([version, traceId, spanId, flags, rest]) => `${version}-${traceId}-${spanId}-${flags}${rest}`);
  fc.assert(
    fc.property(fc.oneof(header, fc.string()), (text) => assert.equal(spanOf(text) !== undefined, isTaken(text))),
    { numRuns: 2_000 },
  );
});
