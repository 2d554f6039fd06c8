import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { negotiateFormat, type Format } from '../../src/exposition/negotiation.ts';
import { clients, OM, PROTO, type Chosen } from './accept-headers.ts';

const chosen = (accept: string | undefined): string => {
  const { format, escaping } = negotiateFormat(accept);
  return format === 'text' ? format : `${format} ${escaping}`;
};

const formats: Record<string, [accept: string, Chosen][]> = {
  'serves each version that we write': [
    ['text/plain;version=0.0.4', 'text'],
    ['text/plain;version=1.0.0', 'text_1_0_0 underscores'],
    [OM, 'openmetrics underscores'],
    [`${OM};version=0.0.1`, 'openmetrics underscores'],
    [`${OM};version=1.0.0`, 'openmetrics underscores'],
    [PROTO, 'protobuf underscores'],
  ],
  'falls back to text for what we do not write': [
    ['', 'text'],
    ['application/json', 'text'],
    ['text/plain;version=2.0.0', 'text'],
    [`${OM};version=2.0.0`, 'text'],
    ['application/vnd.google.protobuf', 'text'],
    ['application/vnd.google.protobuf;encoding=delimited', 'text'],
    ['application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily', 'text'],
    ['application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=compact-text', 'text'],
    ['application/vnd.google.protobuf;proto=other;encoding=delimited', 'text'],
  ],
  'lets the highest q win': [
    [`text/plain;q=0.3,${PROTO};q=0.5,${OM};q=0.4`, 'protobuf underscores'],
    [`text/plain;q=0.001,${OM};q=0.002`, 'openmetrics underscores'],
    [`${OM};version=9;q=1,text/plain;q=0.3,${OM};version=1.0.0;q=0.4`, 'openmetrics underscores'],
  ],
  'goes by the order of the header at the same q': [
    [`text/plain,${OM}`, 'text'],
    [`${OM},text/plain`, 'openmetrics underscores'],
    [`${PROTO};q=0.5,${OM};version=1.0.0;q=0.5`, 'protobuf underscores'],
    ['text/plain;version=1.0.0,text/plain;version=0.0.4', 'text_1_0_0 underscores'],
    ['text/plain,text/plain;version=1.0.0', 'text'],
  ],
  'puts what is named before wildcards at the same q': [
    [`*/*,${OM}`, 'openmetrics underscores'],
    [`text/*,${OM}`, 'openmetrics underscores'],
    ['*/*,application/*', 'openmetrics underscores'],
  ],
  'gives wildcards what most can read': [
    ['*/*', 'text'],
    ['*', 'text'],
    ['text/*', 'text'],
    ['application/*', 'openmetrics underscores'],
    [`*/*,${OM};q=0.5`, 'text'],
    ['text/plain;q=0,*/*', 'openmetrics underscores'],
    [`text/plain;q=0.4,${OM};q=0.5,*/*;q=0.9`, 'openmetrics underscores'],
    ['image/*', 'text'],
    ['*/plain', 'text'],
  ],
  'takes q=0 as a refusal': [
    [`${OM};q=0,text/plain;q=0.1`, 'text'],
    [`${OM};q=0.0,text/plain;version=1.0.0;q=0.1`, 'text_1_0_0 underscores'],
    [`${OM};q=0,application/*,text/plain;q=0.1`, 'text'],
    [`${OM};version=1.0.0;q=0,${OM};version=0.0.1,text/plain;q=0.1`, 'text'],
    [`${PROTO};q=0,${OM};q=0.1`, 'openmetrics underscores'],
    [`${OM};q=0,*/*`, 'text'],
  ],
  'lets the most exact range decide about a format': [
    [`text/plain;q=0.9,text/plain;version=0.0.4;q=0.1,${OM};q=0.5`, 'openmetrics underscores'],
    [`${OM};q=0.9,${OM};version=1.0.0;q=0.1,text/plain;q=0.5`, 'text'],
    [`text/*;q=0.9,text/plain;q=0.1,${OM};q=0.5`, 'openmetrics underscores'],
    [`*/*;q=0.9,text/*;q=0.1,${OM};q=0.5`, 'openmetrics underscores'],
  ],
  'answers with text rather than not at all when everything is refused': [
    ['*/*;q=0', 'text'],
    [`${OM};q=0`, 'text'],
    [`${PROTO};q=0`, 'text'],
    [`text/plain;q=0,${OM};q=0`, 'text'],
  ],
  'reads names in any case, values in quotes and spaces anywhere': [
    ['TEXT/Plain;Version=1.0.0', 'text_1_0_0 underscores'],
    [`Application/OpenMetrics-Text;VERSION=1.0.0;Q=0.5,text/plain;q=0.4`, 'openmetrics underscores'],
    [`${OM};version="1.0.0";escaping="dots";q="0.5",text/plain;q=0.4`, 'openmetrics dots'],
    ['text/plain;version="1.\\0.0"', 'text_1_0_0 underscores'],
    [` \t text / plain ; version = 1.0.0 ; escaping = values ; q = 0.5 , ${OM} ; q = 0.4 `, 'text_1_0_0 values'],
    [`text/plain;title="a,b;c\\",d";version=1.0.0`, 'text_1_0_0 underscores'],
  ],
  'ignores parameters that say nothing to us': [
    ['text/plain;version=1.0.0;charset=utf-8;x=y', 'text_1_0_0 underscores'],
    ['text/plain;version=;x', 'text'],
    ['*/*;version=9;escaping=dots', 'text'],
  ],
  'takes the escaping of the winner': [
    ...(['allow-utf-8', 'underscores', 'dots', 'values'] as const).flatMap((escaping): [string, Chosen][] => [
      [`text/plain;version=1.0.0;escaping=${escaping}`, `text_1_0_0 ${escaping}`],
      [`${OM};version=1.0.0;escaping=${escaping}`, `openmetrics ${escaping}`],
      [`${OM};escaping=${escaping}`, `openmetrics ${escaping}`],
      [`${PROTO};escaping=${escaping}`, `protobuf ${escaping}`],
    ]),
    [`${OM};version=2.0.0;escaping=dots,${OM};version=1.0.0;q=0.5`, 'openmetrics underscores'],
    [`${OM};escaping=dots;q=0.4,${OM};escaping=values;q=0.5`, 'openmetrics values'],
  ],
  'takes an unknown escaping for underscores': [
    [`${OM};version=1.0.0;escaping=allow-utf8`, 'openmetrics underscores'],
    [`${OM};version=1.0.0;escaping=Dots`, 'openmetrics underscores'],
    [`${OM};version=1.0.0;escaping=`, 'openmetrics underscores'],
    [`${OM};version=1.0.0;escaping="dots\r\nX-Evil: 1"`, 'openmetrics underscores'],
    [`${PROTO};escaping=constructor`, 'protobuf underscores'],
  ],
  'has no escaping in text 0.0.4': [['text/plain;version=0.0.4;escaping=allow-utf-8', 'text']],
};

describe('the Accept header of', () => {
  for (const [name, [accept, out]] of Object.entries(clients)) it(name, () => assert.equal(chosen(accept), out));
});

describe('negotiation of the format', () => {
  for (const [name, cases] of Object.entries(formats)) {
    it(name, () => {
      for (const [accept, out] of cases) assert.equal(chosen(accept), out, accept.slice(0, 200));
    });
  }

  it('announces what it chose', () => {
    const types: Record<string, string> = {
      '': 'text/plain; version=0.0.4; charset=utf-8',
      'text/plain;version=1.0.0;escaping=dots': 'text/plain; version=1.0.0; charset=utf-8; escaping=dots',
      [`${OM};version=0.0.1`]: `${OM}; version=1.0.0; charset=utf-8; escaping=underscores`,
      [`${PROTO};escaping=values`]:
        'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=values',
    };
    for (const [accept, type] of Object.entries(types)) assert.equal(negotiateFormat(accept).contentType, type);
  });
});

describe('whatever the header', () => {
  const formatted: Record<Format, string> = {
    text: 'text/plain; version=0.0.4; charset=utf-8',
    text_1_0_0: 'text/plain; version=1.0.0; charset=utf-8; escaping=',
    openmetrics: `${OM}; version=1.0.0; charset=utf-8; escaping=`,
    protobuf: `${PROTO.replaceAll(';', '; ')}; escaping=`,
  };
  const words = ['text/plain', OM, 'application/vnd.google.protobuf', PROTO, '*/*', '*', 'application/*', 'text/*'];
  const parameters = [
    'version=1.0.0',
    'version=0.0.4',
    'version="0.0.1"',
    'q=0',
    'q=0.5',
    'q=1',
    'escaping=dots',
    'escaping=x',
  ];
  const marks = [',', ';', '=', '"', '\\', ' ', '\t', '\0', 'q', '0', '.', '/', '*', '\ud800'];
  const header = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.constantFrom(...words, ...parameters, ...marks), { maxLength: 40 }).map((parts) => parts.join('')),
    fc
      .array(fc.tuple(fc.constantFrom(...words), fc.subarray(parameters)), { maxLength: 6 })
      .map((elements) => elements.map(([word, rest]) => [word, ...rest].join(';')).join(',')),
  );

  it('one of our formats is chosen, with an escaping that is known, and announced in full', () => {
    fc.assert(
      fc.property(header, (accept) => {
        const { format, escaping, contentType } = negotiateFormat(accept);
        assert.ok(['allow-utf-8', 'underscores', 'dots', 'values'].includes(escaping));
        if (format === 'text') assert.deepEqual([escaping, contentType], ['underscores', formatted.text]);
        else assert.equal(contentType, formatted[format] + escaping);
      }),
      { numRuns: 2000 },
    );
  });

  it('elements that cannot be understood change nothing', () => {
    const noise = fc.constantFrom(
      '',
      ' ',
      'application/json',
      `${OM};q=2`,
      'text/plain;version=9',
      'image/*',
      ';q=1',
      'a b',
    );
    fc.assert(
      fc.property(header, noise, (accept, element) => {
        assert.deepEqual(negotiateFormat(`${element},${accept}`), negotiateFormat(accept));
      }),
    );
  });
});
