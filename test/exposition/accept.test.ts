import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parsePreferences } from '../../src/exposition/accept.ts';

type Parsed = [name: string, q: number, parameters?: Record<string, string>];

const parsed = (header: string): Parsed[] =>
  parsePreferences(header).map(({ name, q, parameters }) => {
    const rest = Object.fromEntries([...parameters].filter(([key]) => key !== 'q'));
    return Object.keys(rest).length === 0 ? [name, q] : [name, q, rest];
  });

const cases: Record<string, [header: string, out: Parsed[]][]> = {
  'keeps the order of the header': [
    [
      'a/b;q=0.1, c , d;q=1',
      [
        ['a/b', 0.1],
        ['c', 1],
        ['d', 1],
      ],
    ],
  ],
  'reads names in lower case and without the spaces around their parts': [
    [' \tText / Plain ; Version = 1.0.0 ; Q = 0.5 ', [['text/plain', 0.5, { version: '1.0.0' }]]],
    ['te xt/pl ain', [['te xt/pl ain', 1]]],
  ],
  'keeps the case of values': [['a;Encoding=Delimited', [['a', 1, { encoding: 'Delimited' }]]]],
  'takes quotes and escapes off': [
    ['a;x="b";q="0.5"', [['a', 0.5, { x: 'b' }]]],
    ['a;x="\\"b\\\\"', [['a', 1, { x: '"b\\' }]]],
    ['a;x=""', [['a', 1, { x: '' }]]],
  ],
  'cuts outside of quotes only': [
    [
      'a;x="b,c;d\\",e",f',
      [
        ['a', 1, { x: 'b,c;d",e' }],
        ['f', 1],
      ],
    ],
  ],
  'drops what follows a quote that is never closed': [
    ['a,b;x="c,d', [['a', 1]]],
    ['a;x="b\\', []],
    ['a"', []],
  ],
  'lets the last parameter of a name count': [['a;q=0.1;x=1;q=0.2;X=2', [['a', 0.2, { x: '2' }]]]],
  'ignores what has no name and parameters without a value': [
    ['a;;x;q=0.5; ;', [['a', 0.5]]],
    [', ;q=1,', []],
    ['', []],
  ],
  'takes any decimal number from 0 to 1 for a q': [
    ...(['0', '0.0', '0.33333', '.5', '1', '1.', '1.000'] as const).map((q): [string, Parsed[]] => [
      `a;q=${q}`,
      [['a', Number(q)]],
    ]),
  ],
  'leaves out elements with any other q': [
    ...['', 'x', '-1', '+1', '2', '1.1', '1e-1', '0x1', 'NaN', 'Infinity', '.', '0.1.2', '0 1', '٠'].map(
      (q): [string, Parsed[]] => [`a;q=${q},b`, [['b', 1]]],
    ),
  ],
  'is safe from names that JavaScript objects have': [
    [
      '__proto__;__proto__=x;constructor=y',
      [
        [
          '__proto__',
          1,
          Object.fromEntries([
            ['__proto__', 'x'],
            ['constructor', 'y'],
          ]),
        ],
      ],
    ],
  ],
};

/** Any of these would take minutes if the time were quadratic. */
const hostile: Record<string, [header: string, elements: number]> = {
  commas: [','.repeat(3e5), 0],
  elements: ['a;q=0.5,'.repeat(3e5), 64],
  semicolons: [`a${';'.repeat(3e5)}`, 1],
  parameters: [`a${';q=1'.repeat(3e5)}`, 1],
  slashes: ['/'.repeat(3e5), 1],
  spaces: [' '.repeat(3e5), 0],
  'spaces within': [`a${' '.repeat(3e5)}b;x=1${' '.repeat(3e5)}2`, 1],
  backslashes: [`a;x="${'\\'.repeat(3e5)}"`, 1],
  'quotes that are closed': ['"'.repeat(3e5), 1],
  'quotes of which the last is not closed': ['"'.repeat(3e5 + 1), 0],
  'a comma in each quote': ['",",'.repeat(3e5), 64],
  digits: [`a;q=0.${'1'.repeat(3e5)}`, 1],
  'digits and dots': [`a;q=${'0.'.repeat(3e5)}`, 0],
  'digits and a letter': [`a;q=${'1'.repeat(3e5)}x`, 0],
  NUL: ['\0'.repeat(3e5), 1],
};

describe('an Accept header', () => {
  for (const [name, examples] of Object.entries(cases)) {
    it(name, () => {
      for (const [header, out] of examples) assert.deepEqual(parsed(header), out, header);
    });
  }

  for (const [name, [header, elements]] of Object.entries(hostile)) {
    it(`is cheap to read when it consists of ${name}`, () => assert.equal(parsePreferences(header).length, elements));
  }

  it('is read as it was written', () => {
    const token = fc.string({ unit: fc.constantFrom(...Array.from('abcz019.+-*_')), minLength: 1, maxLength: 6 });
    const value = fc.string({ unit: fc.constantFrom(...Array.from('aB1.,;= "\\/')), maxLength: 8 });
    const space = fc.constantFrom('', ' ', '\t ');
    const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
    const element = fc.record({
      name: fc.tuple(token, token).map((parts) => parts.join('/')),
      q: fc.integer({ min: 0, max: 1000 }).map((thousandths) => thousandths / 1000),
      parameters: fc.dictionary(
        token.filter((key) => key !== 'q'),
        value,
        { maxKeys: 3, noNullPrototype: true },
      ),
    });
    fc.assert(
      fc.property(fc.array(element, { maxLength: 64, size: 'max' }), space, (elements, gap) => {
        const separated = (...parts: string[]): string => parts.join(gap + ';' + gap);
        const header = elements.map(({ name, q, parameters }) => {
          const pairs = Object.entries(parameters).map(([key, text]) => `${key}${gap}=${gap}${quoted(text)}`);
          return gap + separated(name, ...pairs, `q=${q}`) + gap;
        });
        const out = elements.map(({ name, q, parameters }): Parsed => {
          return Object.keys(parameters).length === 0 ? [name, q] : [name, q, parameters];
        });
        assert.deepEqual(parsed(header.join(',')), out);
      }),
    );
  });
});
