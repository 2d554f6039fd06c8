import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { negotiateFormat, type Format } from '../../src/exposition/negotiation.ts';
import { clients, OM, PROTO } from '../exposition/accept-headers.ts';
import { skipWithout } from '../support/interop.ts';
import { startJudge, type Judge } from '../support/judge.ts';

// Random headers by ours and by what promhttp uses. Each way in which we differ is a rewriting of the header: Go's answer to what is
// rewritten must be ours to what was sent, and there must be headers that differ when a rewriting is left out.

const COUNT = process.env.METERGATE_LONG === undefined ? 4000 : 40_000;

interface Range {
  readonly text: string;
  /** What it names, if we write that, and how exactly. */
  readonly names: readonly Format[];
  readonly exactness: number;
}

interface Element extends Range {
  readonly escaping: string | undefined;
  readonly q: string | undefined;
}

type Rewriting = (elements: readonly Element[]) => Element[];

const range = (text: string, exactness = 0, ...names: Format[]): Range => ({ text, exactness, names });

const WILDCARDS = [
  range('*/*', 0, 'text', 'openmetrics'),
  range('*', 0, 'text', 'openmetrics'),
  range('text/*', 1, 'text'),
  range('application/*', 1, 'openmetrics'),
];
const RANGES = [
  range('text/plain', 2, 'text'),
  range('text/plain;version=0.0.4', 3, 'text'),
  range('text/plain;version=1.0.0', 3, 'text_1_0_0'),
  range(OM, 2, 'openmetrics'),
  range(`${OM};version=0.0.1`, 2, 'openmetrics'),
  range(`${OM};version=1.0.0`, 3, 'openmetrics'),
  range(PROTO, 3, 'protobuf'),
];
const OTHERS = [
  'text/plain;version=9',
  `${OM};version=2.0.0`,
  'application/vnd.google.protobuf',
  PROTO.replace('delimited', 'text'),
  PROTO.replace('delimited', 'compact-text'),
  PROTO.replace('MetricFamily', 'Metric'),
  'application/json',
  'image/*',
].map((text) => range(text));

/** Go writes no text 1.0.0, but has an encoding of protobuf that we do not write. */
const STAND_IN = PROTO.replace('delimited', 'text');

const isValid = (q = '1'): boolean => /^(0|1|0\.\d)$/.test(q);

const rewritings: Record<string, Rewriting> = {
  'protobuf is written in one encoding': (elements) =>
    elements.filter(({ text }) => !/encoding=(text|compact-text)/.test(text)),
  'the escaping belongs to its element, where Go keeps that of a better one that it does not write': (elements) =>
    elements.map((element) => (element.names.length === 0 ? { ...element, escaping: undefined } : element)),
  'an element without a valid q is left out, where Go takes any number or else 0': (elements) =>
    elements.filter(({ q }) => isValid(q)),
  'wildcards are served, after what is named, where for Go they name nothing': (elements) => {
    const isWild = ({ names, exactness }: Element): boolean => names.length > 0 && exactness < 2;
    const named = elements.filter((element) => !isWild(element));
    const wild = elements.filter(isWild).sort((a, b) => b.exactness - a.exactness);
    const served = wild.flatMap((element) =>
      element.names.map((name) => ({ ...element, names: [name], text: name === 'text' ? 'text/plain' : OM })),
    );
    return [...named, ...served];
  },
  'the most exact range decides about a format, where Go takes the first that fits': (elements) =>
    elements.filter(
      ({ names: [name], exactness }) =>
        !elements.some((other) => name !== undefined && other.names.includes(name) && other.exactness > exactness),
    ),
  'q=0 is a refusal, where for Go it is the last choice': (elements) =>
    elements.filter(({ q }) => q !== '0' && q !== '0.0'),
  'text 1.0.0 is written': (elements) =>
    elements.map((element) => (element.names.includes('text_1_0_0') ? { ...element, text: STAND_IN } : element)),
};

const element: fc.Arbitrary<Element> = fc
  .tuple(
    fc.oneof(
      { arbitrary: fc.constantFrom(...RANGES), weight: 4 },
      fc.constantFrom(...WILDCARDS),
      fc.constantFrom(...OTHERS),
    ),
    fc.record({
      escaping: fc.constantFrom(undefined, 'allow-utf-8', 'underscores', 'dots', 'values'),
      q: fc.oneof(
        { arbitrary: fc.constantFrom(undefined, '1', '0.9', '0.5', '0.4', '0.1', '0', '0.0'), weight: 9 },
        fc.constantFrom('2', '-1', 'x'),
      ),
    }),
  )
  .map(([kind, said]) => ({ ...kind, ...said }));
// Go's sort keeps the order of what is equal up to 12 elements; a wildcard becomes two.
const headers = fc.array(element, { minLength: 1, maxLength: 6 });

describe('negotiation by prometheus/common', { skip: skipWithout('judge') }, () => {
  let judge: Judge;
  before(() => void (judge = startJudge()));
  after(() => judge.close());

  const theirs = async (accept: string): Promise<string> => chosen(await judge.negotiate(accept));

  const rewritten = (elements: readonly Element[], but?: string): string =>
    Object.entries(rewritings)
      .filter(([name]) => name !== but)
      .reduce((rest, [, rewrite]) => rewrite(rest), [...elements])
      .map(render)
      .join(',');

  it(`is ours, except for the deviations listed (${COUNT} headers)`, async () => {
    const deviating = new Set<string>();
    await Promise.all(
      fc.sample(headers, COUNT).map(async (elements) => {
        const accept = elements.map(render).join(',');
        const ours = chosen(negotiateFormat(accept).contentType);
        assert.equal(ours, await theirs(rewritten(elements)), accept);
        for (const name of Object.keys(rewritings)) {
          if (ours !== (await theirs(rewritten(elements, name)))) deviating.add(name);
        }
      }),
    );
    assert.deepEqual([...deviating].sort(), Object.keys(rewritings).sort());
  });

  it('is ours however a header is written, where Go knows one way to write it', async () => {
    const spaces = fc.constantFrom('', ' ', '\t', '  ');
    await fc.assert(
      fc.asyncProperty(headers, spaces, fc.boolean(), async (elements, space, shouts) => {
        const accept = elements.map(render).join(',');
        const spaced = accept.replace(/[;,=/]/g, (mark) => space + mark + space);
        const quoted = spaced.replace(/(version|q|escaping)(\s*=\s*)([^\s;,]+)/g, '$1$2"$3"');
        const written = shouts ? quoted.replace(/text|plain|openmetrics|version|(?<![a-z-])q/g, upper) : quoted;
        assert.equal(chosen(negotiateFormat(written).contentType), await theirs(rewritten(elements)), written);
      }),
      { numRuns: 500 },
    );
  });

  for (const [name, [accept, ours]] of Object.entries(clients)) {
    // The stand-in is for what these really send, too.
    it(`is ours for ${name}`, async () => {
      const readable = accept?.replace('text/plain;version=1.0.0', STAND_IN) ?? '';
      assert.equal((await theirs(readable)).replace(/^text .*/, 'text'), ours);
    });
  }
});

function upper(text: string): string {
  return text.toUpperCase();
}

function render({ text, escaping, q }: Element): string {
  return [
    text,
    ...(escaping === undefined ? [] : [`escaping=${escaping}`]),
    ...(q === undefined ? [] : [`q=${q}`]),
  ].join(';');
}

/** A content type as our format and its escaping; Go announces one for text 0.0.4 too, which we do not have. */
function chosen(contentType: string): string {
  const escaping = /; escaping=(.*)$/.exec(contentType)?.[1] ?? 'none';
  if (contentType.startsWith('text/plain; version=0.0.4')) return 'text';
  if (contentType.startsWith(OM)) return `openmetrics ${escaping}`;
  if (contentType.includes('encoding=delimited')) return `protobuf ${escaping}`;
  if (contentType.includes('encoding=text') || contentType.startsWith('text/plain; version=1.0.0'))
    return `text_1_0_0 ${escaping}`;
  return contentType;
}
