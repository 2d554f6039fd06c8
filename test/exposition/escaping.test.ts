import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  escapeLabel,
  escapeName,
  isClassicLabel,
  isClassicName,
  type Escaping,
} from '../../src/exposition/escaping.ts';

const ESCAPINGS = ['allow-utf-8', 'underscores', 'dots', 'values'] as const satisfies Escaping[];

type Row = [name: string, escaped: Record<Exclude<Escaping, 'allow-utf-8'>, string>];

const row = (name: string, underscores: string, dots: string, values: string): Row => [
  name,
  { underscores, dots, values },
];

/** What model.EscapeName of prometheus/common makes of them. */
const nameCases: Record<string, Row[]> = {
  'leaves classic names alone, except that dots doubles each _': [
    row('up', 'up', 'up', 'up'),
    row('ns:http_requests_total', 'ns:http_requests_total', 'ns:http__requests__total', 'ns:http_requests_total'),
    row('_a__b', '_a__b', '__a____b', '_a__b'),
  ],
  'says dots': [
    row('foo.bar', 'foo_bar', 'foo_dot_bar', 'U__foo_2e_bar'),
    row('.x.', '_x_', '_dot_x_dot_', 'U___2e_x_2e_'),
  ],
  'says dots beside _': [
    row('foo.bar_bytes_total', 'foo_bar_bytes_total', 'foo_dot_bar__bytes__total', 'U__foo_2e_bar__bytes__total'),
  ],
  'says each other character, once for those of two code units': [
    row('a-b/c d', 'a_b_c_d', 'a__b__c__d', 'U__a_2d_b_2f_c_20_d'),
    row('größe', 'gr__e', 'gr____e', 'U__gr_f6__df_e'),
    row('🙂', '_', '__', 'U___1f642_'),
    row('"\\\n', '___', '______', 'U___22__5c__a_'),
  ],
  'says a leading digit, and no other': [
    row('3d', '_d', '__d', 'U___33_d'),
    row('33.3', '_3_3', '__3_dot_3', 'U___33_3_2e_3'),
  ],
  'has nothing to say of the empty name': [row('', '', '', '')],
};

/** Where labels are unlike metric names. */
const labelCases: Record<string, Row[]> = {
  'says what names of metrics say': [
    row('http.route', 'http_route', 'http_dot_route', 'U__http_2e_route'),
    row('le', 'le', 'le', 'le'),
    row('a_b', 'a_b', 'a__b', 'a_b'),
    row('', '', '', ''),
  ],
  'says :, which no label may have': [
    row('ns:a', 'ns_a', 'ns__a', 'U__ns_3a_a'),
    row(':a.b', '_a_b', 'key__a_dot_b', 'U___3a_a_2e_b'),
  ],
  'keeps away from reserved names': [
    row('..name..', 'key__name__', '_dot__dot_name_dot__dot_', 'U___2e__2e_name_2e__2e_'),
    row('_.x', 'key__x', 'key___dot_x', 'U_____2e_x'),
    row('3.x', 'key__x', 'key___dot_x', 'U___33__2e_x'),
  ],
};

const wellFormed = fc
  .array(fc.oneof(fc.constantFrom('.', '_', '__', ':', '3', 'U__', '_2e_', 'é', '🙂'), fc.string({ unit: 'binary' })))
  .map((parts) => parts.join('').toWellFormed());
const scheme = fc.constantFrom(...ESCAPINGS.filter((escaping) => escaping !== 'allow-utf-8'));

/** Undoes `values`. */
function unescape(escaped: string): string {
  if (!escaped.startsWith('U__')) return escaped;
  return escaped
    .slice('U__'.length)
    .replace(/__|_([0-9a-f]+)_/g, (_, hex?: string) =>
      hex === undefined ? '_' : String.fromCodePoint(parseInt(hex, 16)),
    );
}

function testTable(cases: Record<string, Row[]>, escape: (name: string, escaping: Escaping) => string): void {
  for (const [behaviour, rows] of Object.entries(cases)) {
    it(behaviour, () => {
      for (const [name, expected] of rows) {
        const all = { 'allow-utf-8': name, ...expected };
        for (const escaping of ESCAPINGS) assert.equal(escape(name, escaping), all[escaping], `${name} by ${escaping}`);
      }
    });
  }
}

describe('escapeName', () => {
  testTable(nameCases, escapeName);

  it('is classic, or empty for the empty name', () => {
    fc.assert(
      fc.property(wellFormed, scheme, (name, escaping) => {
        const escaped = escapeName(name, escaping);
        assert.ok(name === '' ? escaped === '' : isClassicName(escaped), escaped);
      }),
    );
  });

  it('changes nothing that is allow-utf-8', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (name) => escapeName(name, 'allow-utf-8') === name));
  });

  it('changes nothing twice, by underscores and values', () => {
    fc.assert(
      fc.property(wellFormed, fc.constantFrom('underscores', 'values'), (name, escaping) => {
        const escaped = escapeName(name, escaping);
        assert.equal(escapeName(escaped, escaping), escaped);
      }),
    );
  });

  it('can be undone by values, but for classic names that look escaped', () => {
    fc.assert(
      fc.property(wellFormed, (name) => {
        fc.pre(!(isClassicName(name) && name.startsWith('U__')));
        assert.equal(unescape(escapeName(name, 'values')), name);
      }),
    );
  });
});

describe('escapeLabel', () => {
  testTable(labelCases, escapeLabel);

  it('is classic and not reserved, or empty for the empty name', () => {
    fc.assert(
      fc.property(wellFormed, scheme, (name, escaping) => {
        const escaped = escapeLabel(name, escaping);
        assert.ok(name === '' ? escaped === '' : isClassicLabel(escaped) && !escaped.startsWith('__'), escaped);
      }),
    );
  });

  it('changes nothing that is allow-utf-8', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (name) => escapeLabel(name, 'allow-utf-8') === name));
  });

  it('can be undone by values, but for classic names that look escaped or are reserved', () => {
    fc.assert(
      fc.property(wellFormed, (name) => {
        fc.pre(!(isClassicLabel(name) && /^(U|)__/.test(name)));
        assert.equal(unescape(escapeLabel(name, 'values')), name);
      }),
    );
  });
});

describe('isClassicName and isClassicLabel', () => {
  const cases: Record<string, [name: boolean, label: boolean]> = {
    a_B9: [true, true],
    _: [true, true],
    'ns:a': [true, false],
    ':': [true, false],
    '9a': [false, false],
    'a.b': [false, false],
    'a\n': [false, false],
    ä: [false, false],
    '': [false, false],
  };
  for (const [name, expected] of Object.entries(cases)) {
    it(`of ${JSON.stringify(name)}`, () => assert.deepEqual([isClassicName(name), isClassicLabel(name)], expected));
  }
});
