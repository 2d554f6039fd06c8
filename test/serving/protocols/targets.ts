import fc from 'fast-check';
import { all } from './recognised.ts';

export const templates = [
  ...new Set(Object.values(all).flatMap(({ routes }) => routes.map(({ template }) => template))),
];
export const literals = new Set(templates.flatMap((template) => template.split('/')));

export const method = fc.oneof(fc.constantFrom('GET', 'POST', 'PUT', 'OPTIONS', 'HEAD'), fc.string());

const character = fc.oneof(
  fc.constantFrom('/', ':', '%', '{', '}', '*', '.', '?', '#', '\\', ' ', '\0', 'é', '🌸'),
  fc.string({ unit: 'grapheme', maxLength: 1 }),
);
export const name = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('iris', '1') },
  { weight: 3, arbitrary: fc.array(character, { maxLength: 6 }).map((all) => all.join('')) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('meta-llama/Llama-3', 'a'.repeat(5_000), 'versions', ':predict', '{m}', '*'),
  },
);
const segment = fc.oneof(fc.constantFrom(...literals), name);

/** Near to one of some templates: its placeholders filled in, and at times a segment more, less or other. */
function near(of: readonly string[]): fc.Arbitrary<string[]> {
  const change = fc.option(fc.tuple(fc.nat(8), fc.nat(1), fc.array(segment, { maxLength: 2 })), { freq: 2 });
  return fc
    .tuple(fc.constantFrom(...of), fc.array(name, { minLength: 6, maxLength: 6 }), change)
    .map(([template, names, changed]) => {
      const filled = template
        .slice(1)
        .split('/')
        .map((part, index) => part.replace(/\{\w+\}|^\*$/, () => names[index % names.length] ?? ''));
      return changed ? filled.toSpliced(changed[0], changed[1], ...changed[2]) : filled;
    });
}

/** Of paths, most of them near to some templates. */
export const segmentsNear = (of: readonly string[]): fc.Arbitrary<string[]> =>
  fc.oneof(fc.array(segment, { maxLength: 9 }), near(templates), { weight: 4, arbitrary: near(of) });

/** Some of its characters percent-encoded, in either case; those that end a segment or mean something else in a target always. */
const encoded = (text: string): fc.Arbitrary<string> =>
  fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }).map((flips) =>
    Array.from(text)
      .map((each, index) => {
        const bytes = [...Buffer.from(each)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
        if (!/[\w.:~-]/.test(each)) return bytes.toUpperCase();
        return flips[index % flips.length] ? bytes : each;
      })
      .join(''),
  );
export const targetOf = (path: readonly string[]): fc.Arbitrary<string> =>
  fc.tuple(...path.map(encoded)).map((parts) => `/${parts.join('/')}`);

/** What a stranger may send: what cannot be decoded, what resolves to something else, what is long, and routes among it. */
const oddity = fc.constantFrom(
  ...[
    '',
    '%',
    '%%',
    '%2',
    '%zz',
    '%C3%28',
    '%E2%82',
    '%FF',
    '%00',
    '%2F',
    '%2f',
    '%252F',
    '%5c',
    '\\',
    ';v=1',
    '?',
    '#',
  ],
  ...['.', '..', '%2e%2E', '.%2e', '...', '*', '%2A', '{model_name}', '%7Bmodel_name%7D', ':predict', '%3Apredict'],
  ...['é', '🌸', '\ud800', '\0', ' ', 'a'.repeat(10_000), '%61'.repeat(3_000), '/'.repeat(500)],
);
const odd = fc.oneof(oddity, segment);
const joined = fc
  .array(fc.tuple(odd, fc.constantFrom('/', '/', '//', '')), { maxLength: 10 })
  .map((parts) => `/${parts.flat().join('')}`);

export function targetNear(of: readonly string[]): fc.Arbitrary<string> {
  const encodedPath = segmentsNear(of).chain(targetOf);
  const spoilt = fc
    .tuple(encodedPath, fc.nat(40), fc.nat(3), oddity)
    .map(([target, at, length, part]) => target.slice(0, at) + part + target.slice(at + length));
  return fc.oneof(
    { weight: 6, arbitrary: encodedPath },
    { weight: 2, arbitrary: spoilt },
    joined,
    fc.string(),
    fc.webPath(),
    fc.webUrl(),
  );
}
