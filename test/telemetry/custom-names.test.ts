// Which names custom metrics can have, and how many: what is on the page never collides, and nobody can mint names without end.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { CustomMetricOptions } from '../../src/telemetry/custom-metric-options.ts';
import { catalogue } from '../../src/telemetry/catalogue.ts';
import type { Telemetry } from '../../src/telemetry/index.ts';
import { pageOf as encode } from '../exposition/page.ts';
import { readPage } from '../exposition/read-page.ts';
import { toSnapshot, type MetricRows } from '../exposition/snapshot.ts';
import { customSamples, engineNames, pageOf, samplesOf, telemetryOn } from './telemetry-on.ts';

const REFUSED = 'metergate_custom_metrics_refused_total';

type Definition = CustomMetricOptions & { readonly name: string };

describe('a name of a custom metric', () => {
  const invalid: Record<string, string> = {
    'that is empty': '',
    'that begins with a digit': '1st',
    'that begins with an underscore': '_a',
    'that begins with a dot': '.a',
    'with a space': 'a b',
    'with a line feed at its end': 'a\n',
    'with a colon': 'a:b',
    'with a letter that is not of ASCII': 'größe',
    'with a quotation mark': 'a"b',
    'of 256 characters': 'a'.repeat(256),
    'that is __proto__': '__proto__',
  };
  for (const [what, name] of Object.entries(invalid)) {
    it(`${what} is refused, and says what a name is`, () => {
      const { custom } = telemetryOn('native');
      assert.throws(() => custom.register(name), {
        name: 'RangeError',
        message: `${name} cannot be registered: a name is a letter and up to 254 letters, digits, dots, dashes, slashes and underscores`,
      });
    });
  }

  it('that is no string is an error of its type', () => {
    const { custom } = telemetryOn('native');
    for (const [name, shown] of [
      [null, 'null'],
      [undefined, 'undefined'],
      [5, '5'],
      [{}, 'an object'],
    ] as const) {
      const message = `the name of a custom metric must be a string (got ${shown})`;
      assert.throws(() => custom.register(name as string), { name: 'TypeError', message });
    }
  });

  it('may be whatever OpenTelemetry allows', async () => {
    const telemetry = telemetryOn('native');
    const names = ['a', 'Z9', 'a.b-c/d_e', 'a'.repeat(255), 'constructor', 'toString', 'hasOwnProperty'];
    for (const name of names) telemetry.custom.register(name, { kind: 'gauge' }).set(1);
    assert.equal(Object.keys(await customSamples(telemetry)).length, names.length);
  });

  for (const name of Object.keys(catalogue)) {
    it(`cannot be ${name}, nor what that is at Prometheus, whatever the case and the kind`, () => {
      const { custom } = telemetryOn('native');
      const reason = new RegExp(`cannot be registered: it would have a name of ${name}, at Prometheus if not before$`);
      for (const kind of ['counter', 'gauge', 'histogram', 'summary'] as const) {
        for (const alike of [name, name.toUpperCase()]) assert.throws(() => custom.register(alike, { kind }), reason);
      }
      const { kind, unit } = catalogue[name as keyof typeof catalogue];
      const alike = name.replaceAll('.', '_');
      const own = kind.endsWith('counter') && !kind.endsWith('down_counter') ? 'counter' : 'gauge';
      // A gauge of unit 1 is a ratio at Prometheus; an up-down counter is not.
      const alikeUnit = kind.endsWith('down_counter') && unit === '1' ? '' : unit;
      const options = { kind: kind === 'histogram' ? kind : own, unit: alikeUnit } as const;
      assert.throws(() => custom.register(alike, options), reason);
    });
  }

  const taken: Record<string, { first: Definition; second: Definition }> = {
    'of dots and underscores': { first: { name: 'a.b' }, second: { name: 'a_b' } },
    'of dashes and slashes': { first: { name: 'a-b', kind: 'gauge' }, second: { name: 'a/b', kind: 'gauge' } },
    'of another kind': { first: { name: 'a.b', kind: 'gauge' }, second: { name: 'a_b', kind: 'histogram' } },
    'in case only': { first: { name: 'jobs', kind: 'counter' }, second: { name: 'Jobs', kind: 'gauge' } },
    'by the total of a counter': {
      first: { name: 'jobs', kind: 'counter' },
      second: { name: 'jobs_total', kind: 'counter' },
    },
    'by the total that a gauge has in its name': {
      first: { name: 'jobs.total', kind: 'gauge' },
      second: { name: 'jobs', kind: 'counter' },
    },
    'by a unit': { first: { name: 'wait', unit: 's' }, second: { name: 'wait.seconds' } },
    'by the ratio of a gauge': {
      first: { name: 'load', unit: '1', kind: 'gauge' },
      second: { name: 'load_ratio', kind: 'gauge' },
    },
    'by the buckets of a histogram': { first: { name: 'h' }, second: { name: 'h.bucket', kind: 'gauge' } },
    'by the sum of a histogram': { first: { name: 'h' }, second: { name: 'h_sum', kind: 'gauge' } },
    'by the count of a histogram': { first: { name: 'h' }, second: { name: 'h-count', kind: 'gauge' } },
    'by the count of a summary': { first: { name: 's', kind: 'summary' }, second: { name: 's_count', kind: 'gauge' } },
    'by the count of a histogram that has a unit': {
      first: { name: 'h', unit: 'By' },
      second: { name: 'h.bytes.count', kind: 'gauge' },
    },
    'by the bucket that a summary has with the engine sdk': {
      first: { name: 's', kind: 'summary' },
      second: { name: 's_bucket', kind: 'gauge' },
    },
    'by the total that the family of a counter has not in OpenMetrics': {
      first: { name: 'jobs_total', kind: 'counter' },
      second: { name: 'jobs', kind: 'gauge' },
    },
    'by that total from a histogram': { first: { name: 'jobs_total', kind: 'counter' }, second: { name: 'jobs' } },
    'by that total from the sum of a histogram': { first: { name: 'h' }, second: { name: 'h_sum', kind: 'counter' } },
    'by the start time of a counter': {
      first: { name: 'foo', kind: 'counter' },
      second: { name: 'foo_created', kind: 'gauge' },
    },
    'by the start time of a histogram': {
      first: { name: 'h', unit: 's' },
      second: { name: 'h.seconds.created', kind: 'gauge' },
    },
  };
  for (const [what, { first, second }] of Object.entries(taken)) {
    it(`that differs ${what} is taken, whichever comes first`, () => {
      for (const [earlier, later] of [
        [first, second],
        [second, first],
      ] as const) {
        const { custom } = telemetryOn('native');
        register(custom, earlier);
        assert.throws(() => register(custom, later), {
          name: 'RangeError',
          message: `${later.name} cannot be registered: it would have a name of ${earlier.name}, at Prometheus if not before`,
        });
      }
    });
  }

  const free: Record<string, [Definition, Definition]> = {
    'a gauge that is called a total and a histogram of one stem': [
      { name: 'jobs_total', kind: 'gauge' },
      { name: 'jobs' },
    ],
    'gauges of one name and two units': [
      { name: 'a', kind: 'gauge', unit: 's' },
      { name: 'a_bytes', kind: 'gauge' },
    ],
    'a counter and a count, which it has not': [
      { name: 'jobs', kind: 'counter' },
      { name: 'jobs_count', kind: 'gauge' },
    ],
    'a gauge and a start time, which it has not': [
      { name: 'jobs', kind: 'gauge' },
      { name: 'jobs_created', kind: 'gauge' },
    ],
  };
  for (const [what, [first, second]] of Object.entries(free)) {
    it(`is free for ${what}`, async () => {
      const telemetry = telemetryOn('native');
      for (const definition of [first, second]) {
        register(telemetry.custom, definition);
        telemetry.custom.log({ [definition.name]: 1 });
      }
      const { types } = await pageOf(telemetry);
      assert.equal([...types.keys()].filter((name) => !/^(metergate|target)_/.test(name)).length, 2);
      await assertWholeAsOpenMetrics(telemetry);
    });
  }

  it('is free wherever a page has both metrics', () => {
    const names = namesOf('a', 'A', 'b', 'total', 'sum', 'count', 'bucket', 'created', 'seconds', 'ratio');
    const definitions = definitionsOf(names, 'counter', 'gauge', 'histogram');
    fc.assert(
      fc.property(definitions, definitions, (first, second) => {
        fc.pre(first.name.toLowerCase() !== second.name.toLowerCase());
        const metrics = [first, second].map(({ kind, name, unit = '' }): MetricRows => {
          if (kind !== 'histogram') return { kind: kind as 'counter' | 'gauge', name, unit, points: [{ value: 1 }] };
          return { kind, name, unit, points: [{ bounds: [], buckets: [1], sum: 1 }] };
        });
        const snapshot = toSnapshot({ scopes: [{ metrics }] });
        for (const format of ['text', 'openmetrics'] as const) {
          const { text, dropped } = encode(snapshot, { format });
          fc.pre(dropped.length === 0 && readPage(text, format).types.size === 2);
        }
        const { custom } = telemetryOn('native');
        register(custom, first);
        register(custom, second);
      }),
    );
  });

  it('cannot be that of a counter of ours without its total, which its family has not in OpenMetrics', () => {
    const { custom } = telemetryOn('native');
    const message =
      'inference_requests cannot be registered: it would have a name of inference.requests, at Prometheus if not before';
    assert.throws(() => custom.register('inference_requests', { kind: 'gauge' }), { name: 'RangeError', message });
  });

  for (const name of ['target.info', 'target']) {
    it(`cannot be ${name}, of the information about the target`, () => {
      const { custom } = telemetryOn('native');
      const message = `${name} cannot be registered: it would have a name of target_info, at Prometheus if not before`;
      assert.throws(() => custom.register(name, { kind: 'gauge' }), { name: 'RangeError', message });
    });
  }
});

for (const engine of engineNames) {
  it(`whatever is registered and logged, the page has all of it that was not refused, with the engine ${engine}`, async () => {
    const name = namesOf(
      'a',
      'A',
      'b',
      'total',
      'sum',
      'count',
      'bucket',
      'created',
      'seconds',
      'ratio',
      'target',
      'info',
    );
    const definition = definitionsOf(name, 'counter', 'gauge', 'histogram', 'summary');
    const definitions = fc.array(definition, { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(definitions, fc.array(name, { maxLength: 6 }), async (given, names) => {
        const telemetry = telemetryOn(engine);
        for (const each of given) {
          try {
            register(telemetry.custom, each);
          } catch (error) {
            assert.ok(error instanceof RangeError || error instanceof TypeError);
          }
        }
        const logged = [...given.map((each) => each.name), ...names];
        for (const each of logged) telemetry.custom.log({ [each]: 1 });
        const { snapshot } = await telemetry.pull.collect(1_000);
        const scope = snapshot.scopes.find((each) => each.scope.name === 'metergate.custom');
        const present = scope?.metrics.map((metric) => metric.name) ?? [];
        const refused = samplesOf(await pageOf(telemetry), 'metergate')[`${REFUSED}{metergate_reason="bad_name"}`] ?? 0;
        assert.equal(logged.filter((each) => present.includes(each)).length + refused, logged.length);
        const families = [...(await pageOf(telemetry)).types.keys()];
        assert.equal(families.filter((family) => !/^(metergate_|target_info$)/.test(family)).length, present.length);
        await assertWholeAsOpenMetrics(telemetry);
      }),
      { numRuns: 60 },
    );
  });
}

describe('a log under a name that cannot be', () => {
  for (const [reason, { max, names }] of Object.entries({
    bad_name: { max: 5, names: ['no name', 'inference.requests', 'inference_requests_total', 'known_count', 'KNOWN'] },
    too_many: { max: 1, names: ['a', 'b', 'no name', 'a'] },
  })) {
    it(`is counted as ${reason} and logged, never thrown, and costs nothing that is beside it`, async () => {
      const telemetry = telemetryOn('native', { customMetricsMax: max });
      telemetry.custom.register('known', { kind: 'summary' });
      for (const name of names) telemetry.custom.log({ [name]: 1, known: 2 });
      const page = await pageOf(telemetry);
      assert.deepEqual(samplesOf(page, 'metergate.custom'), { known_sum: 2 * names.length, known_count: names.length });
      assert.equal(samplesOf(page, 'metergate')[`${REFUSED}{metergate_reason="${reason}"}`], names.length);
      const [line, ...others] = telemetry.lines;
      assert.deepEqual([line?.level, line?.message, others], ['warn', 'custom metric refused', []]);
      assert.deepEqual([line?.fields['metergate.reason'], line?.fields.name], [reason, names[0]]);
      assert.match(String(line?.fields.refusal), reason === 'too_many' ? /^there are 1 custom metrics/ : /^a name is/);
    });
  }

  it('is refused each time, and never becomes a metric', async () => {
    const telemetry = telemetryOn('native', { customMetricsMax: 3 });
    for (let i = 0; i < 1_000; i++) telemetry.custom.log({ [`made_up_${i % 100}`]: i });
    const page = await pageOf(telemetry);
    const counts = Object.entries(samplesOf(page, 'metergate.custom')).filter(([name]) => name.endsWith('_count'));
    assert.deepEqual(counts, [
      ['made_up_0_count', 10],
      ['made_up_1_count', 10],
      ['made_up_2_count', 10],
    ]);
    assert.equal(samplesOf(page, 'metergate')[`${REFUSED}{metergate_reason="too_many"}`], 970);
  });
});

describe('the limit of names', () => {
  it('is an error of registering, that says what the limit is', () => {
    const { custom } = telemetryOn('native', { customMetricsMax: 2 });
    custom.register('a');
    custom.log({ b: 1 });
    assert.throws(() => custom.register('c'), {
      name: 'RangeError',
      message: 'c cannot be registered: there are 2 custom metrics already, the most that are allowed',
    });
    assert.doesNotThrow(() => custom.register('a'));
    assert.doesNotThrow(() => custom.register('b'));
  });

  it('is 200 unless another one is given', () => {
    const { custom } = telemetryOn('native');
    for (let i = 0; i < 200; i++) custom.register(`m${i}`, { kind: 'counter' });
    assert.throws(
      () => custom.register('one_more', { kind: 'counter' }),
      /^RangeError: one_more .* 200 custom metrics/,
    );
  });

  it('does not count what was refused', () => {
    const { custom } = telemetryOn('native', { customMetricsMax: 1 });
    for (let i = 0; i < 3; i++) assert.throws(() => custom.register('no name'));
    custom.log({ 'no name': 1 });
    custom.register('a');
  });
});

function register(custom: ReturnType<typeof telemetryOn>['custom'], { name, ...options }: Definition): void {
  custom.register(name, options);
}

/** Of few words, so that names meet. */
function namesOf(...words: readonly string[]): fc.Arbitrary<string> {
  const separators = fc.constantFrom('.', '_', '-', '..');
  return fc
    .tuple(fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 3 }), separators)
    .map(([parts, separator]) => parts.join(separator));
}

function definitionsOf(
  name: fc.Arbitrary<string>,
  ...kinds: readonly NonNullable<Definition['kind']>[]
): fc.Arbitrary<Definition> {
  return fc.record({ name, kind: fc.constantFrom(...kinds), unit: fc.constantFrom('', '1', 's', '{a}') });
}

/** The strictest about names: what is on a page of it whole is so on any. */
async function assertWholeAsOpenMetrics({ pull }: Telemetry): Promise<void> {
  const { snapshot } = await pull.collect(1_000);
  const { text, dropped } = encode(snapshot, { format: 'openmetrics' });
  assert.deepEqual(dropped, []);
  readPage(text, 'openmetrics');
}
