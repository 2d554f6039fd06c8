import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { createBodyModelScanner } from '../../../src/serving/protocols/body-model.ts';
import { runs } from '../../exposition/runs.ts';

interface Scan {
  readonly model: string | undefined;
  readonly done: boolean;
}

function scan(...chunks: readonly (string | Uint8Array)[]): Scan {
  const scanner = createBodyModelScanner();
  for (const chunk of chunks) {
    // In memory that is used again, as a socket's may be.
    const bytes = Uint8Array.from(Buffer.from(chunk as string));
    scanner.write(bytes);
    bytes.fill(0x22);
  }
  return { model: scanner.model, done: scanner.done };
}

const found: Record<string, { body: string; model?: string }> = {
  'the first member': { body: '{"model":"m"' },
  'the last member': { body: '{"messages":[{"role":"user","content":"hi"}],"stream":true,"n":1.5e-3,"model":"m"' },
  'behind whitespace': { body: ' \t\r\n{ \n"model"\t: \r"m" ' },
  'behind a byte order mark': { body: '\uFEFF {"model":"m"' },
  'behind an empty key, object and array': { body: '{"":"","a":{},"b":[],"model":"m"' },
  'behind constants, those of Python too': {
    body: '{"a":null,"b":true,"c":false,"d":NaN,"e":-Infinity,"f":1E+5,"model":"m"',
  },
  'not that of a nested object': { body: '{"a":{"model":"x"},"b":[{"model":"y"}],"model":"m"' },
  'not what looks like it in a string': { body: '{"prompt":"\\"model\\":\\"x\\",","model":"m"' },
  'not a longer or a shorter key': { body: '{"models":"x","mode":"x","Model":"x","model ":"x","model":"m"' },
  'behind brackets and quotes in nested strings': { body: '{"a":["]}",{"b}":"\\\\\\"]"}],"model":"m"' },
  'behind a string that ends with backslashes': { body: '{"a":"\\\\","b":"\\\\\\\\","model":"m"' },
  'not that of a key with escapes that are none': { body: '{"mod\\u0x65l":"x","mod\\U0065l":"x","model":"m"' },
  'with escapes in its key': { body: '{"mod\\u0065l":"m"' },
  'with nothing but escapes in its key': { body: '{"\\u006D\\u006f\\u0064\\u0065\\u006C":"m"' },
  'with escapes': { body: '{"model":"org\\/m\\u0065\\n\\uD83D\\uDE00\\"\\\\"', model: 'org/me\n😀"\\' },
  'with characters of several bytes': { body: '{"model":"modèle-🌸"', model: 'modèle-🌸' },
  'with a zero width no-break space at its start': { body: '{"model":"\uFEFFm"', model: '\uFEFFm' },
  'of the longest length': { body: `{"model":"${'é'.repeat(128)}"`, model: 'é'.repeat(128) },
  'of the longest length, as escapes': { body: `{"model":"${'\\u0061'.repeat(256)}"`, model: 'a'.repeat(256) },
  'before what is malformed': { body: '{"model":"m"]' },
};
for (const [where, { body, model = 'm' }] of Object.entries(found)) {
  it(`finds a model ${where}, in whatever chunks`, () => {
    assert.deepEqual(scan(body), { model, done: true });
    assert.deepEqual(scan(...Array.from(Buffer.from(body), (byte) => Uint8Array.of(byte))), { model, done: true });
    const cut = Buffer.from(body).subarray(0, Buffer.from(body).lastIndexOf('"'));
    assert.deepEqual(scan(cut), { model: undefined, done: false });
  });
}

const none: Record<string, string | Uint8Array> = {
  'a number for it': '{"model":1,"model":"m"}',
  'null for it': '{"model":null,"model":"m"}',
  'an object for it': '{"model":{"model":"m"}}',
  'an array for it': '{"model":["m"],"model":"m"}',
  'an empty one': '{"model":"","model":"m"}',
  'one that is too long': `{"model":"${'é'.repeat(128)}a","model":"m"}`,
  'one that is too long, and does not end': `{"model":"${'a'.repeat(1537)}`,
  'half a surrogate pair': '{"model":"\\ud83d","model":"m"}',
  'an escape that is none': '{"model":"\\x41","model":"m"}',
  'a line feed in it': '{"model":"a\nb","model":"m"}',
  'what is not UTF-8 in it': Buffer.from('{"model":"\xff\xfe","model":"m"}', 'latin1'),
  'an empty object': '{}',
  'an object without it': '{"prompt":"hi"}',
  'something behind the object': '{"prompt":"hi"} {"model":"m"}',
  'an array': '[{"model":"m"}]',
  'a string': '"model"',
  'a number': '1',
  'a form': '--boundary\r\ncontent-disposition: form-data; name="model"\r\n\r\nm\r\n',
  'a compressed body': Uint8Array.of(0x1f, 0x8b, 0x08, 0),
  'UTF-16': Buffer.from('\uFEFF{"model":"m"}', 'utf16le'),
  'half a byte order mark': Buffer.from('\xef\xbb{"model":"m"}', 'latin1'),
  'two byte order marks': '\uFEFF\uFEFF{"model":"m"}',
  'a key without quotes': '{model:"m"}',
  'no colon': '{"a" "b","model":"m"}',
  'another sign than a colon': '{"a"="b","model":"m"}',
  'no value': '{"a":,"model":"m"}',
  'no comma': '{"a":1 "model":"m"}',
  'a comma too many': '{"a":1,,"model":"m"}',
  'a closing bracket for a value': '{"a":],"model":"m"}',
  'single quotes': "{'model':'m'}",
};
for (const [what, body] of Object.entries(none)) {
  it(`knows that there is no model in ${what}, in whatever chunks`, () => {
    assert.deepEqual(scan(body), { model: undefined, done: true });
    const bytes = Array.from(Buffer.from(body as string), (byte) => Uint8Array.of(byte));
    assert.deepEqual(scan(...bytes), { model: undefined, done: true });
  });
}

it('is not done with what may still have a model', () => {
  for (const body of [
    '',
    ' ',
    '\uFEFF',
    '{',
    '{"a',
    '{"a":"\\',
    '{"a":1',
    '{"a":[{',
    '{"a":1,',
    '{"model"',
    '{"model":"a',
  ]) {
    assert.deepEqual(scan(body), { model: undefined, done: false }, body);
  }
});

it('takes the first of two, and looks at nothing once it is done', () => {
  assert.deepEqual(scan('{"model":"m","model":"x"}'), { model: 'm', done: true });
  assert.deepEqual(scan('{"model":"m"', ',"model":"x"}'), { model: 'm', done: true });
  assert.deepEqual(scan('{}', '{"model":"x"}'), { model: undefined, done: true });
});

/** Choices that a serialiser makes, over and over. */
const choices = fc.array(fc.nat(9), { minLength: 1, maxLength: 20 });
const key = fc.oneof(
  fc.constantFrom('model', 'models', 'mode', '"model', 'model\\', 'm', ''),
  fc.string({ unit: 'binary', maxLength: 8 }),
);
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('"', '\\', '{', '}', 'model', ',', ':'), maxLength: 90 }),
  fc.string({ unit: fc.constantFrom('a', 'é', '🌸', '\ud800', '\\', '"'), minLength: 50, maxLength: 300 }),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    text,
    fc.constantFrom(null, true, false, 0, -1.5e-7, 12345, {}, []),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  ),
}));
const members = fc.uniqueArray(fc.tuple(key, value), { selector: ([name]) => name, maxLength: 6 });
const withModel = fc
  .tuple(members, fc.oneof(text, value), fc.nat(6))
  .map(([others, model, at]) => others.filter(([name]) => name !== 'model').toSpliced(at, 0, ['model', model]));

/** JSON text with whitespace and escapes wherever they are allowed, up to the end of the top-level model and whole. */
function serialise(
  all: readonly (readonly [string, unknown])[],
  picks: readonly number[],
): { body: Buffer; end: number } {
  let picked = 0;
  const pick = (): number => picks[picked++ % picks.length] ?? 0;
  const space = (): string => ['', '', '', '', '', '', ' ', '\n', '\t\r', '  '][pick()] ?? '';
  const character = (unit: string): string => {
    const escaped = `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
    if (/[\ud800-\udfff]/.test(unit)) return escaped;
    if (pick() < 2) return pick() < 5 ? escaped : escaped.toUpperCase().replace('U', 'u');
    return unit === '/' && pick() < 5 ? '\\/' : JSON.stringify(unit).slice(1, -1);
  };
  const string = (value: string): string =>
    `"${Array.from(value, (each) => (each.length === 2 && pick() < 5 ? each : each.split('').map(character).join(''))).join('')}"`;
  const write = (value: unknown): string => {
    if (typeof value === 'string') return string(value);
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    const inner = Array.isArray(value)
      ? value.map((item) => space() + write(item) + space())
      : Object.entries(value).map(
          ([name, item]) => space() + string(name) + space() + ':' + space() + write(item) + space(),
        );
    return Array.isArray(value) ? `[${inner.join(',') || space()}]` : `{${inner.join(',') || space()}}`;
  };
  let out = `${pick() === 0 ? '\uFEFF' : ''}${space()}{${space()}`;
  let end = -1;
  for (const [index, [name, item]] of all.entries()) {
    out += `${index > 0 ? ',' : ''}${space()}${string(name)}${space()}:${space()}${write(item)}`;
    if (name === 'model') end = Buffer.byteLength(out);
    out += space();
  }
  return { body: Buffer.from(`${out}}${space()}`), end };
}

function chunksOf(body: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0, index = 0; at < body.length; index++) {
    const length = lengths[index % lengths.length] ?? 1;
    chunks.push(body.subarray(at, at + length));
    at += length;
  }
  return chunks;
}
const lengths = fc.array(fc.oneof(fc.constantFrom(1, 2), fc.integer({ min: 1, max: 200 })), {
  minLength: 1,
  maxLength: 8,
});

/** What a parser makes of it, and what of that can be a label. */
function expected(body: Buffer): string | undefined {
  const { model } = JSON.parse(body.toString().replace(/^\uFEFF/, '')) as { model?: unknown };
  if (typeof model !== 'string' || model === '' || !model.isWellFormed()) return undefined;
  return Buffer.byteLength(model) <= 256 ? model : undefined;
}

it('finds what a parser finds, however the object is written and cut into chunks', () => {
  let models = 0;
  fc.assert(
    fc.property(fc.oneof(members, withModel), choices, lengths, (all, picks, cuts) => {
      const { body } = serialise(all, picks);
      const result = scan(...chunksOf(body, cuts));
      assert.deepEqual(result, { model: expected(body), done: true });
      if (result.model !== undefined) models++;
    }),
    runs({ short: 800, long: 30_000 }),
  );
  assert.ok(models > 100, `${models} models`);
});

it('finds nothing in a body that ends before the model does, and the model in what ends behind it', () => {
  fc.assert(
    fc.property(withModel, choices, lengths, fc.nat(), (all, picks, cuts, seed) => {
      const { body, end } = serialise(all, picks);
      const model = expected(body);
      const cut = seed % body.length;
      const whole = cut >= end;
      const result = scan(...chunksOf(body.subarray(0, cut), cuts));
      assert.equal(result.model, whole ? model : undefined);
      if (whole) assert.equal(result.done, true);
      if (model !== undefined) assert.equal(result.done, whole);
    }),
    runs({ short: 800, long: 30_000 }),
  );
});

it('never throws at any bytes, and sees the same in whatever chunks they come', () => {
  const mutated = fc
    .tuple(withModel, choices, fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }))
    .map(([all, picks, changes]) => {
      const { body } = serialise(all, picks);
      for (const [at, byte] of changes) body[at % body.length] = byte;
      return body;
    });
  const tokens = fc
    .array(fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', '"model"', '"m"', '1', ' ', '\xef\xbb\xbf', '\xff'))
    .map((parts) => Buffer.from(parts.join(''), 'latin1'));
  fc.assert(
    fc.property(fc.oneof(mutated, tokens, fc.uint8Array({ maxLength: 200 })), lengths, (body, cuts) => {
      const result = scan(body);
      assert.deepEqual(scan(...chunksOf(body, cuts)), result);
      assert.ok(result.model === undefined || (result.model !== '' && Buffer.byteLength(result.model) <= 256));
      if (result.model !== undefined) assert.equal(result.done, true);
    }),
    runs({ short: 800, long: 30_000 }),
  );
});

it('tells an escaped quote from a closing one behind any run of backslashes, wherever a chunk ends', () => {
  for (let run = 0; run < 160; run++) {
    const tail = run % 2 === 0 ? '","model":"m"' : '","model":"x","model":"m"';
    const body = Buffer.from(`{"a":"${'\\'.repeat(run)}${tail}`);
    const model = run % 2 === 0 ? 'm' : undefined;
    for (let cut = 0; cut <= body.length; cut++) {
      assert.equal(scan(body.subarray(0, cut), body.subarray(cut)).model, model, `${run} cut at ${cut}`);
    }
  }
});

it('passes over a key of a megabyte', () => {
  const scanner = createBodyModelScanner();
  scanner.write(Buffer.from('{"'));
  for (let i = 0; i < 1_000; i++) scanner.write(Buffer.alloc(1_000, 'a'));
  scanner.write(Buffer.from('":1,"model":"m"'));
  assert.equal(scanner.model, 'm');
});
