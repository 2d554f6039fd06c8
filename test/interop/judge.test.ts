import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it, test } from 'node:test';
import { skipWithout } from '../support/interop.ts';
import { startJudge, type Judge, type Verdict } from '../support/judge.ts';
import { startOpenMetricsParser, type OpenMetricsParser } from '../support/openmetrics-parser.ts';
import { eventually } from '../support/processes.ts';
import { startPrometheus } from '../support/prometheus.ts';

// Those that judge our pages are judged first: one that lets everything pass, or nothing, would tell us nothing.

const TEXT_0_0_4 = 'text/plain; version=0.0.4; charset=utf-8';
const TEXT_1_0_0 = 'text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8';
const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8';
const PROTOBUF = 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';

const openMetricsPage = `# HELP load_seconds Time.
# TYPE load_seconds counter
# UNIT load_seconds seconds
load_seconds_total{model="iris"} 1.5 # {trace_id="4bf9"} 0.5 1700000000.250
load_seconds_created{model="iris"} 1699999999.5
# TYPE latency histogram
latency_bucket{le="1.0"} 1
latency_bucket{le="+Inf"} 2
latency_count 2
latency_sum 3.25
# EOF
`;

// Field numbers: https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
const startTime = message(3, integer(1, 1_700_000_000));
const exemplar = message(
  2,
  message(1, text(1, 'trace_id'), text(2, '4bf9')),
  double(2, 1),
  message(3, integer(1, 1_700_000_000), integer(2, 250_000_000)),
);
const hits = delimited(text(1, 'hits'), integer(3, 0), message(4, message(3, double(1, 3), exemplar, startTime)));
const latency = delimited(
  text(1, 'latency'),
  integer(3, 4),
  message(
    4,
    message(
      7,
      ...[integer(1, 3), double(2, 6)],
      message(3, integer(1, 2), double(2, 2)),
      ...[signed(5, 0), double(6, 0.001)],
      message(12, signed(1, 1), integer(2, 2)),
      message(13, ...[4, 1].map(varint)), // Deltas +2 and -1, packed and zigzag.
    ),
  ),
);
const protobufPage = Buffer.concat([hits, latency]);

const refusedText = {
  'a series twice': 'up{a="1",b="2"} 1\nup{b="2",a="1"} 1\n',
  'a second TYPE': '# TYPE up gauge\nup{a="1"} 1\n# TYPE up gauge\nup{a="2"} 1\n',
  'a TYPE after its samples': 'up 1\n# TYPE up gauge\n',
  'a label name with a dash': 'up{a-b="1"} 1\n',
  'a label twice': 'up{a="1",a="2"} 1\n',
  'a value that is no number': 'up one\n',
  'a family in two places': '# TYPE up gauge\nup{a="1"} 1\n# TYPE down gauge\ndown 1\nup{a="2"} 1\n',
};

const refusedOpenMetrics = {
  'no end': openMetricsPage.replace('# EOF\n', ''),
  'something after the end': `${openMetricsPage}up 1\n`,
  'a series twice': openMetricsPage.replace('latency_count 2', 'latency_count 2\nlatency_count 2'),
  'a second TYPE': openMetricsPage.replace('# UNIT', '# TYPE load_seconds counter\n# UNIT'),
  'a family in two places': openMetricsPage.replace('# EOF', 'load_seconds_total{model="wine"} 1\n# EOF'),
  'a unit that the name does not have': openMetricsPage.replace(
    '# UNIT load_seconds seconds',
    '# UNIT load_seconds bytes',
  ),
  'an exemplar without a value': openMetricsPage.replace('} 0.5 1700000000.250', '}'),
  'an exemplar that is too long': openMetricsPage.replace('4bf9', 'f'.repeat(121)),
  'a label name with a dash': openMetricsPage.replace('model=', 'mo-del='),
};

describe('the judge with the parser of Prometheus', { skip: skipWithout('judge') }, () => {
  let judge: Judge;
  before(() => (judge = startJudge()));
  after(() => judge.close());

  it('reads the text format', async () => {
    const page = '# HELP up It \\"is\\" up.\n# TYPE up gauge\nup{a="\\"\\n"} NaN 1700000000000\nother 1e+06\n';
    assert.deepEqual(await judge.parse(page, TEXT_0_0_4), {
      ok: true,
      metadata: { up: { help: 'It \\"is\\" up.', type: 'gauge' } },
      samples: [
        { labels: { __name__: 'up', a: '"\n' }, value: 'NaN', timestampMs: 1_700_000_000_000, exemplars: [] },
        { labels: { __name__: 'other' }, value: '1000000', exemplars: [] },
      ],
    });
  });

  it('reads UTF-8 names, unless the content type promises others', async () => {
    const page = '# TYPE "http.requests" counter\n{"http.requests","le.x"="y"} 1\n';
    assert.deepEqual(await judge.parse(page, TEXT_1_0_0), {
      ok: true,
      metadata: { 'http.requests': { type: 'counter' } },
      samples: [{ labels: { __name__: 'http.requests', 'le.x': 'y' }, value: '1', exemplars: [] }],
    });
    refused(await judge.parse(page, TEXT_1_0_0.replace('allow-utf-8', 'underscores')));
  });

  it('reads OpenMetrics with exemplars and start times', async () => {
    const [first, ...others] = accepted(await judge.parse(openMetricsPage, OPEN_METRICS)).samples;
    assert.deepEqual(first, {
      labels: { __name__: 'load_seconds_total', model: 'iris' },
      value: '1.5',
      createdMs: 1_699_999_999_500,
      exemplars: [{ labels: { trace_id: '4bf9' }, value: '0.5', timestampMs: 1_700_000_000_250 }],
    });
    assert.deepEqual(
      others.map(({ labels, value }) => [labels.__name__, labels.le, value]),
      [
        ['latency_bucket', '1.0', '1'],
        ['latency_bucket', '+Inf', '2'],
        ['latency_count', undefined, '2'],
        ['latency_sum', undefined, '3.25'],
      ],
    );
  });

  it('reads protobuf, and native histograms with the classic ones beside them', async () => {
    const { samples, metadata } = accepted(await judge.parse(protobufPage, PROTOBUF));
    assert.deepEqual(metadata, { hits: { help: '', type: 'counter' }, latency: { help: '', type: 'histogram' } });
    assert.deepEqual(
      samples.map(({ labels, value, exemplars }) => [labels.__name__, labels.le, value, exemplars.length]),
      [
        ['hits', undefined, '3', 1],
        ['latency', undefined, '', 0],
        ['latency_count', undefined, '3', 0],
        ['latency_sum', undefined, '6', 0],
        ['latency_bucket', '2.0', '2', 0],
        ['latency_bucket', '+Inf', '3', 0],
      ],
    );
    assert.equal(samples[0]?.createdMs, 1_700_000_000_000);
    assert.deepEqual(samples[1]?.histogram, {
      schema: 0,
      zeroThreshold: 0.001,
      zeroCount: 0,
      count: 3,
      sum: '6',
      positiveSpans: [[1, 2]],
      positiveCounts: [2, 1],
      negativeSpans: [],
      negativeCounts: [],
    });
  });

  it('refuses protobuf that is cut off anywhere but between two families', async () => {
    const ends = new Set([0, hits.length, protobufPage.length]);
    for (let length = 0; length <= protobufPage.length; length++) {
      for (const verdict of [
        await judge.parse(protobufPage.subarray(0, length), PROTOBUF),
        await judge.expfmt(protobufPage.subarray(0, length), PROTOBUF),
      ])
        assert.equal(verdict.ok, ends.has(length), `cut to ${length} bytes`);
    }
    refused(await judge.parse(Buffer.concat([hits, hits]), PROTOBUF));
    refused(await judge.expfmt(Buffer.concat([hits, hits]), PROTOBUF));
  });

  for (const [what, page] of Object.entries(refusedText))
    it(`refuses text with ${what}`, async () => refused(await judge.parse(page, TEXT_0_0_4)));
  for (const [what, page] of Object.entries(refusedOpenMetrics))
    it(`refuses OpenMetrics with ${what}`, async () => refused(await judge.parse(page, OPEN_METRICS)));

  it('decodes text and protobuf to families, UTF-8 names on demand', async () => {
    assert.deepEqual(await judge.expfmt('# HELP up Is it?\n# TYPE up gauge\nup{a="1"} 1\nup{a="2"} 1\n', TEXT_0_0_4), {
      ok: true,
      families: { up: { type: 'gauge', help: 'Is it?', unit: '', metrics: 2 } },
    });
    const { families } = accepted(await judge.expfmt(protobufPage, PROTOBUF));
    assert.deepEqual(families.latency, { type: 'histogram', help: '', unit: '', metrics: 1 });
    const utf8Page = '{"http.requests"} 1\n';
    accepted(await judge.expfmt(utf8Page, TEXT_1_0_0, { utf8: true }));
    refused(await judge.expfmt(utf8Page, TEXT_1_0_0));
    refused(await judge.expfmt(refusedText['a second TYPE'], TEXT_0_0_4));
  });

  it('translates names by every strategy, and says of each which it cannot', async () => {
    const name = { name: 'http.server.duration', unit: 's', type: 'histogram', label: '_http..method' } as const;
    const translated = await judge.translate([
      { ...name, strategy: 'UnderscoreEscapingWithSuffixes' },
      { ...name, strategy: 'UnderscoreEscapingWithoutSuffixes' },
      { ...name, strategy: 'NoUTF8EscapingWithSuffixes' },
      { ...name, strategy: 'NoTranslation', escaping: 'dots' },
      { name: 'requests', unit: '1', type: 'counter', strategy: 'UnderscoreEscapingWithSuffixes' },
      { name: '', unit: '', type: 'gauge', strategy: 'UnderscoreEscapingWithSuffixes' },
    ]);
    assert.deepEqual(
      translated.map((one) => (one.ok ? [one.metric, one.unit, one.label, one.receiverLabel] : 'refused')),
      [
        ['http_server_duration_seconds', 'seconds', '_http_method', 'key_http__method'],
        ['http_server_duration', 'seconds', '_http_method', 'key_http__method'],
        ['http.server.duration_seconds', 'seconds', '_http..method', '_http..method'],
        ['http_dot_server_dot_duration', 'seconds', '__http_dot__dot_method', '__http_dot__dot_method'],
        ['requests_total', '', undefined, undefined],
        'refused',
      ],
    );
  });

  it('negotiates', async () => {
    assert.equal(await judge.negotiate(''), 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores');
    const accept =
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.4';
    assert.equal(await judge.negotiate(accept), OPEN_METRICS);
  });

  it('answers many requests at once, in their order', async () => {
    const values = Array.from({ length: 2_000 }, (_, value) => String(value));
    const verdicts = await Promise.all(values.map((value) => judge.parse(`up ${value}\n`, TEXT_0_0_4)));
    assert.deepEqual(
      verdicts.map((verdict) => accepted(verdict).samples[0]?.value),
      values,
    );
  });
});

describe("the parsers of Python's prometheus_client", { skip: skipWithout('openmetrics') }, () => {
  let parser: OpenMetricsParser;
  before(() => (parser = startOpenMetricsParser()));
  after(() => parser.close());

  it('read OpenMetrics', async () => {
    const { samples, families } = accepted(await parser.openMetrics(openMetricsPage));
    assert.deepEqual(families.load_seconds, { type: 'counter', help: 'Time.', unit: 'seconds' });
    assert.deepEqual(samples[0], {
      name: 'load_seconds_total',
      labels: { model: 'iris' },
      value: 1.5,
      exemplar: { labels: { trace_id: '4bf9' }, value: 0.5, timestampMs: 1_700_000_000_250 },
    });
    assert.equal(samples.length, 6);
    accepted(await parser.openMetrics('# TYPE "http.requests" gauge\n{"http.requests","a.b"="c"} 1\n# EOF\n'));
  });

  it('read the text format', async () => {
    const page = '# HELP up Is it?\n# TYPE up gauge\nup{a="1"} -Inf\nup{a="2"} NaN 1700000000000\n';
    assert.deepEqual(await parser.text(page), {
      ok: true,
      families: { up: { type: 'gauge', help: 'Is it?', unit: '' } },
      samples: [
        { name: 'up', labels: { a: '1' }, value: -Infinity },
        { name: 'up', labels: { a: '2' }, value: NaN, timestampMs: 1_700_000_000_000 },
      ],
    });
    refused(await parser.text(refusedText['a value that is no number']));
  });

  for (const [what, page] of Object.entries(refusedOpenMetrics))
    it(`refuse OpenMetrics with ${what}`, async () => refused(await parser.openMetrics(page)));
});

test('a judge that has ended says so', { skip: skipWithout('judge') }, async () => {
  const judge = startJudge();
  await judge.close();
  await assert.rejects(judge.negotiate(''), /ended/);
});

test(
  'Prometheus 3 scrapes native histograms and exemplars, and takes OTLP',
  { skip: skipWithout('prometheus3') },
  async (t) => {
    const urls = new Set<string | undefined>();
    const page = createServer(({ url }, response) => {
      urls.add(url);
      response.writeHead(200, { 'content-type': PROTOBUF }).end(protobufPage);
    }).listen(0, '127.0.0.1');
    await once(page, 'listening');
    t.after(() => page.close());
    const prometheus = await startPrometheus({
      version: 3,
      scrapeIntervalMs: 100,
      scrapeTargets: [
        {
          job: 'page',
          address: `127.0.0.1:${(page.address() as AddressInfo).port}`,
          path: '/page',
          params: { 'name[]': ['hits', 'latency'] },
          instance: 'one',
          scrapeConfig: { scrape_native_histograms: true },
        },
      ],
      features: ['exemplar-storage'],
      otlp: { translation_strategy: 'NoTranslation', promote_resource_attributes: ['service.name'] },
    });
    t.after(() => prometheus.stop());

    const [latency] = await eventually(async () => nonEmpty(await prometheus.query('latency')));
    assert.deepEqual(latency, {
      labels: { __name__: 'latency', job: 'page', instance: 'one' },
      value: NaN,
      histogram: {
        count: 3,
        sum: 6,
        buckets: [
          { bounds: '(]', lower: 1, upper: 2, count: 2 },
          { bounds: '(]', lower: 2, upper: 4, count: 1 },
        ],
      },
    });
    assert.deepEqual([...urls], ['/page?name%5B%5D=hits&name%5B%5D=latency']);
    assert.deepEqual(await prometheus.exemplars('hits'), [
      {
        seriesLabels: { __name__: 'hits', job: 'page', instance: 'one' },
        exemplars: [{ labels: { trace_id: '4bf9' }, value: 1, timestampMs: 1_700_000_000_250 }],
      },
    ]);
    assert.deepEqual((await prometheus.metadata()).hits, [{ type: 'counter', help: '', unit: '' }]);
    assert.deepEqual(
      (await prometheus.targets()).map(({ health, lastError, labels }) => [health, lastError, labels.instance]),
      [['up', '', 'one']],
    );

    const asInt = '7';
    const dataPoints = [{ timeUnixNano: `${Date.now()}000000`, asInt }];
    const metrics = [{ name: 'pushed.items', gauge: { dataPoints } }];
    const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'iris' } }] };
    const pushed = await fetch(prometheus.otlpUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] }),
    });
    assert.equal(pushed.status, 200, await pushed.text());
    const [sample] = await eventually(async () => nonEmpty(await prometheus.query('{"pushed.items"}')));
    assert.deepEqual(sample, { labels: { __name__: 'pushed.items', 'service.name': 'iris', job: 'iris' }, value: 7 });
  },
);

function accepted<T>(verdict: Verdict<T>): T {
  assert.ok(verdict.ok, 'error' in verdict ? verdict.error : '');
  return verdict;
}

function refused(verdict: Verdict<unknown>): void {
  assert.equal(verdict.ok, false);
}

function nonEmpty<T>(found: readonly T[]): readonly T[] | undefined {
  return found.length > 0 ? found : undefined;
}

function delimited(...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([varint(body.length), body]);
}

function message(field: number, ...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat([varint((field << 3) | 2), delimited(...parts)]);
}

function text(field: number, value: string): Buffer {
  return message(field, Buffer.from(value));
}

function integer(field: number, value: number): Buffer {
  return Buffer.concat([varint(field << 3), varint(value)]);
}

function signed(field: number, value: number): Buffer {
  return integer(field, value < 0 ? -2 * value - 1 : 2 * value);
}

function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(9, (field << 3) | 1);
  bytes.writeDoubleLE(value, 1);
  return bytes;
}

function varint(value: number): Buffer {
  const bytes = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return Buffer.from([...bytes, value]);
}
