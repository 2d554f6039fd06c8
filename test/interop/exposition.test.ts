import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Attributes } from '../../src/metric/model.ts';
import { negotiateFormat, type Format } from '../../src/exposition/negotiation.ts';
import { goldenFolder, goldenPages, readGoldenPage } from '../exposition/golden-pages.ts';
import { pageOptions, snapshotRows } from '../exposition/hostile-rows.ts';
import { expositionDefaults, pageDefaults, pageOf } from '../exposition/page.ts';
import type { Sample } from '../exposition/read-page.ts';
import { assertJudged } from '../exposition/reference-judged.ts';
import {
  referenceFamilies,
  referenceSamples,
  type Reference,
  type ReferenceFamily,
  type ReferenceOptions,
} from '../exposition/reference-page.ts';
import { runs } from '../exposition/runs.ts';
import { toSnapshot, type ExemplarRow, type MetricRows, type SnapshotRows } from '../exposition/snapshot.ts';
import { skipWithout } from '../support/interop.ts';
import { startJudge, type Judge } from '../support/judge.ts';
import { startOpenMetricsParser, type OpenMetricsParser, type ParsedSample } from '../support/openmetrics-parser.ts';

// Whatever users name and record, by the parsers that read our pages elsewhere: they take the whole page and find on it what was recorded.

const ACCEPT: Readonly<Record<Format, string>> = {
  text: 'text/plain;version=0.0.4',
  text_1_0_0: 'text/plain;version=1.0.0',
  openmetrics: 'application/openmetrics-text;version=1.0.0',
  protobuf: 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
};

function contentTypeOf({ format, escaping }: ReferenceOptions): string {
  return negotiateFormat(`${ACCEPT[format]};escaping=${escaping}`).contentType;
}

function makePage(rows: SnapshotRows, options: ReferenceOptions) {
  const snapshot = toSnapshot(rows);
  return { page: pageOf(snapshot, options).bytes, reference: referenceFamilies(snapshot, options) };
}

/** Of Prometheus' own text parsers drop blanks and NUL before a help, or if it is nothing else. */
function helpOf(help: string, { format }: Pick<ReferenceOptions, 'format'>): string {
  return format.startsWith('text') ? help.replace(/^[ \t\0]+/, '') : help;
}

/** Help, type and unit by family. */
function metadataOf({ families }: Reference, { format }: ReferenceOptions) {
  return Object.fromEntries(
    families.map(({ family: { name, type, help, unit } }) => {
      const hasUnit = format === 'protobuf' || (format === 'openmetrics' && name.endsWith(`_${unit}`));
      const said = {
        type: format === 'protobuf' && type === 'info' ? 'gauge' : type,
        help: helpOf(help, { format }),
        unit: hasUnit ? unit : '',
      };
      return [name, said];
    }),
  );
}

describe('golden pages', () => {
  let judge: Judge | undefined;
  let parser: OpenMetricsParser | undefined;
  after(() => Promise.all([judge?.close(), parser?.close()]));

  for (const golden of goldenPages) {
    const { file, options, snapshot } = golden;

    it(`${file} is read by what Prometheus 3 scrapes with`, { skip: skipWithout('judge') }, async () => {
      judge ??= startJudge();
      const verdict = await judge.parse(readGoldenPage(golden), contentTypeOf(options));
      assert.ok(verdict.ok, JSON.stringify(verdict));
      assertJudged(verdict.samples, referenceFamilies(snapshot, options), options);
    });

    if (options.format === 'openmetrics') {
      it(`${file} is read by prometheus_client`, { skip: skipWithout('openmetrics') }, async () => {
        parser ??= startOpenMetricsParser();
        const verdict = await parser.openMetrics(readGoldenPage(golden));
        assert.ok(verdict.ok, JSON.stringify(verdict));
        const expected = referenceSamples(referenceFamilies(snapshot, options), options);
        assert.deepEqual(verdict.samples.map(withoutTime), expected.map(withoutMaps));
      });
    }
  }

  it('of every file there is are judged', () => {
    const files = readdirSync(goldenFolder).filter((file) => !file.endsWith('.json'));
    assert.deepEqual(files.sort(), goldenPages.map(({ file }) => file).sort());
  });
});

describe('a page of hostile metrics, by what Prometheus 3 scrapes with', { skip: skipWithout('judge') }, () => {
  let judge: Judge;
  before(() => void (judge = startJudge()));
  after(() => judge.close());

  it('is read in every format, with all that was recorded', () =>
    fc.assert(
      fc.asyncProperty(snapshotRows, pageOptions, async (rows, options) => {
        const { page, reference } = makePage(rows, options);
        // Quantiles that are called so Prometheus takes for start times, when it looks for these.
        const isCalledStart = ({ family: { type, name } }: ReferenceFamily) =>
          type === 'summary' && name.endsWith('_created');
        fc.pre(options.format !== 'openmetrics' || !reference.families.some(isCalledStart));
        const verdict = await judge.parse(page, contentTypeOf(options));
        assert.ok(verdict.ok, JSON.stringify(verdict));
        const { samples, metadata } = verdict;
        assertJudged(samples, reference, options);
        const empty = { help: '', unit: '' };
        const found = Object.entries(metadata).map(([name, own]) => [
          name,
          { ...empty, ...own, help: helpOf(own.help ?? '', options) },
        ]);
        // A family of no series says nothing in protobuf.
        const isSaid = ({ rows: own }: ReferenceFamily): boolean => options.format !== 'protobuf' || own.length > 0;
        const families = reference.families.filter(isSaid);
        assert.deepEqual(Object.fromEntries(found), metadataOf({ ...reference, families }, options));
      }),
      runs({ short: 1_000 }),
    ));

  it('tells start times and exemplars, as OpenMetrics and as protobuf', async () => {
    const start = 1_767_225_600_000;
    const exemplar = { value: 0.5, time: start + 125, span: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) } };
    const rows: SnapshotRows = {
      scopes: [
        {
          metrics: [
            { kind: 'counter', name: 'c', points: [{ attributes: { x: 'y' }, value: 2, start, exemplar }] },
            {
              kind: 'histogram',
              name: 'h',
              points: [{ bounds: [1], buckets: [1, 0], sum: 0.5, start, exemplars: [exemplar, null] }],
            },
            { kind: 'summary', name: 's', points: [{ quantiles: [0.5], values: [1], count: 1, sum: 1, start }] },
          ],
        },
      ],
    };
    const starting = ['c_total', 'h_bucket', 'h_bucket', 'h_count', 'h_sum', 's', 's_count', 's_sum'];
    for (const format of ['openmetrics', 'protobuf'] as const) {
      const options = { ...expositionDefaults, ...pageDefaults, format };
      const { page, reference } = makePage(rows, options);
      const verdict = await judge.parse(page, contentTypeOf(options));
      assert.ok(verdict.ok, JSON.stringify(verdict));
      assertJudged(verdict.samples, reference, options);
      const started = verdict.samples
        .filter(({ createdMs }) => createdMs === start)
        .map(({ labels }) => labels.__name__);
      assert.deepEqual(started.sort(), starting);
      const found = verdict.samples.flatMap(({ exemplars }) => exemplars);
      const labels = { trace_id: exemplar.span.traceId, span_id: exemplar.span.spanId };
      const expected = { labels, value: '0.5', timestampMs: exemplar.time };
      assert.deepEqual(found, [expected, expected]);
    }
  });

  it('is read by the decoder of prometheus/common, but for OpenMetrics, which it does not know', () =>
    fc.assert(
      fc.asyncProperty(snapshotRows, pageOptions, async (rows, options) => {
        fc.pre(options.format !== 'openmetrics');
        const { page, reference } = makePage(rows, options);
        const utf8 = options.escaping === 'allow-utf-8';
        const verdict = await judge.expfmt(page, contentTypeOf(options), { utf8 });
        assert.ok(verdict.ok, JSON.stringify(verdict));
        const metadata = metadataOf(reference, options);
        const isText = options.format !== 'protobuf';
        // Of text it makes no family without series.
        const families = reference.families
          .filter(({ rows: own }) => !isText || own.length > 0)
          .map(({ family: { name }, rows: own }) => [name, { ...metadata[name], metrics: own.length }]);
        const found = Object.entries(verdict.families).map(([name, own]) => [
          name,
          { ...own, help: helpOf(own.help, options) },
        ]);
        assert.deepEqual(Object.fromEntries(found), Object.fromEntries(families));
      }),
      runs({ short: 500 }),
    ));
});

describe('a page of hostile metrics, by prometheus_client', { skip: skipWithout('openmetrics') }, () => {
  let parser: OpenMetricsParser;
  before(() => void (parser = startOpenMetricsParser()));
  after(() => parser.close());

  it('is read as OpenMetrics, with all that was recorded', () =>
    fc.assert(
      fc.asyncProperty(snapshotRows, pageOptions, async (rows, given) => {
        const options = { ...given, format: 'openmetrics' as const };
        const { page, reference } = makePage(withoutQuotes(rows), options);
        const verdict = await parser.openMetrics(page);
        assert.ok(verdict.ok, JSON.stringify(verdict));
        const expected = referenceSamples(reference, options);
        assert.deepEqual(verdict.samples.map(withoutTime), expected.map(withoutMaps));
        for (const [i, { exemplar }] of verdict.samples.entries()) {
          const seconds = expected[i]?.exemplar?.timestamp;
          // It rounds to microseconds.
          if (exemplar?.timestampMs === undefined) assert.equal(seconds, undefined);
          else assert.ok(Math.abs(exemplar.timestampMs - Number(seconds) * 1000) <= 0.002, `${exemplar.timestampMs}`);
        }
        const metadata = Object.entries(metadataOf(reference, options));
        // It takes all blanks before a help for the one that belongs there.
        const families = metadata.map(([name, own]) => [name, { ...own, help: own.help.replace(/^ +/, '') }]);
        assert.deepEqual(verdict.families, Object.fromEntries(families));
      }),
      runs({ short: 500 }),
    ));
});

/** It cannot read an exemplar that has an escaped quote in its labels. */
function withoutQuotes(rows: SnapshotRows): SnapshotRows {
  const labels = (attributes: Attributes = {}): Attributes =>
    Object.fromEntries(
      Object.entries(attributes).map(([key, value]) => [
        key.replaceAll('"', "'"),
        typeof value === 'object' ? '[]' : typeof value === 'string' ? value.replaceAll('"', "'") : value,
      ]),
    );
  const exemplar = <E extends ExemplarRow | null | undefined>(own: E): E =>
    own && { ...own, attributes: labels(own.attributes) };
  const point = (own: MetricRows['points'][number]) => ({
    ...own,
    ...('exemplar' in own && { exemplar: exemplar(own.exemplar) }),
    ...('exemplars' in own && { exemplars: own.exemplars?.map(exemplar) }),
  });
  const scopes = rows.scopes.map(({ scope, metrics }) => ({
    scope: scope ?? {},
    metrics: metrics.map((metric) => ({ ...metric, points: metric.points.map(point) }) as MetricRows),
  }));
  return { ...rows, scopes };
}

function withoutTime({ exemplar, value, ...sample }: ParsedSample) {
  const own = { ...sample, value: value + 0 }; // It knows no -0.
  return exemplar === undefined ? own : { ...own, exemplar: { labels: exemplar.labels, value: exemplar.value + 0 } };
}

function withoutMaps({ labels, exemplar, value, ...sample }: Sample) {
  const own = { ...sample, labels: Object.fromEntries(labels), value: value + 0 };
  if (exemplar === undefined) return own;
  return { ...own, exemplar: { labels: Object.fromEntries(exemplar.labels), value: exemplar.value + 0 } };
}
