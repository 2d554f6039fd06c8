// Pages that are large, that fail while they are written, and that cannot have everything on them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { Snapshot } from '../../src/metric/model.ts';
import { textAnswer } from '../../src/http/routes.ts';
import { counter, exponential, gauge, histogram, quantiles, rows } from '../exposition/family-rows.ts';
import { pageOf } from '../exposition/page.ts';
import { readPage } from '../exposition/read-page.ts';
import { sized } from '../exposition/runs.ts';
import { toSnapshot } from '../exposition/snapshot.ts';
import { ask, say } from '../http/raw.ts';
import { createTestTelemetry, type TestTelemetry } from '../support/telemetry.ts';
import { collectionOf, gaugeOf, readerOf, snapshotOf, watchedGauge } from './readers.ts';
import { servePull, startPull } from './scrape.ts';

const PROTO = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';
const SERIES = sized({ short: 20_000, long: 100_000 });

describe(`a page of ${SERIES} series`, () => {
  const large = gaugeOf('large', SERIES, (n) => `series number ${n}`);
  const snapshot = snapshotOf(gaugeOf('before', 1), large, gaugeOf('after', 1));
  const formats = { text: 'text/plain', openmetrics: 'application/openmetrics-text;version=1.0.0', protobuf: PROTO };

  for (const format of ['text', 'openmetrics', 'protobuf'] as const) {
    for (const [coding, decompress] of Object.entries({
      identity: (bytes: Buffer) => bytes,
      gzip: gunzipSync,
      zstd: zstdDecompressSync,
    })) {
      it(`of ${format} in ${coding} is complete and right`, async (t) => {
        const { events } = createTestTelemetry();
        const scrape = await servePull(t, { reader: readerOf(snapshot), events });
        const headers = { accept: formats[format], 'accept-encoding': coding };
        const expected = pageOf(snapshot, { format }).bytes;
        // The second is written from labels that are there already, the other two at the same time.
        const scraped = [await scrape('/metrics', { headers }), await scrape('/metrics', { headers })];
        scraped.push(
          ...(await Promise.all([scrape('/metrics', { headers }), scrape('/metrics', { headers: { ...headers } })])),
        );
        for (const { status, bytes } of scraped) {
          assert.equal(status, 200);
          assert.ok(decompress(bytes).equals(expected));
        }
      });
    }
  }

  it('has each series with its value', async (t) => {
    const { events } = createTestTelemetry();
    const scrape = await servePull(t, { reader: readerOf(snapshot), events });
    const { samples } = readPage((await scrape()).body);
    assert.equal(samples.length, SERIES + 2);
    for (const [i, { name, labels, value }] of samples.slice(1, -1).entries()) {
      assert.deepEqual([name, labels.get('text'), value], ['large', `series number ${i}`, i]);
    }
  });

  it('lets others have their answers before its end', async (t) => {
    const order: string[] = [];
    const watched = watchedGauge(large, (row) => {
      if (row === 0 || row === SERIES - 1) order.push(row === 0 ? 'first row' : 'last row');
    });
    const pull = await startPull(t, {
      reader: readerOf(snapshotOf(watched)),
      events: createTestTelemetry().events,
      routes: [{ path: '/other', handle: () => (order.push('other'), textAnswer(200, 'words')) }],
    });
    const page = pull.scrape();
    let over = false;
    const others = async (): Promise<void> => {
      while (!over) assert.equal((await pull.scrape('/other')).body, 'words\n');
    };
    const asking = others();
    assert.match((await page).body, new RegExp(`"series number ${SERIES - 1}".* ${SERIES - 1}\n$`));
    over = true;
    await asking;
    const [first, last] = [order.indexOf('first row'), order.indexOf('last row')];
    assert.ok(first >= 0 && last > first + 2, order.join(', '));
  });

  for (const coding of ['identity', 'gzip', 'zstd']) {
    it(`gives the event loop a turn between two parts in ${coding}`, async (t) => {
      let turns = 0;
      let ticking = setImmediate(function tick() {
        turns++;
        ticking = setImmediate(tick);
      });
      t.after(() => clearImmediate(ticking));
      const turnsAt = new Set<number>();
      const watched = watchedGauge(large, () => turnsAt.add(turns));
      const { events } = createTestTelemetry();
      const scrape = await servePull(t, { reader: readerOf(snapshotOf(watched)), events });
      await scrape('/metrics', { headers: { 'accept-encoding': coding } });
      // As many as there are parts of 64 KiB, or hardly fewer.
      const parts = pageOf(snapshotOf(large)).bytes.length / 65_536;
      assert.ok(turnsAt.size > parts * 0.9, `${turnsAt.size} turns, ${parts} parts`);
    });
  }
});

describe('a page that fails while it is written', () => {
  const LAST = 49_999;
  const broken = (row: number) =>
    watchedGauge(gaugeOf('broken', LAST + 1), (at) => {
      if (at === row) throw new Error('this row\n# TYPE is broken');
    });
  const early: Record<string, () => Snapshot> = {
    'at once': () => ({
      resource: {},
      get scopes(): never {
        throw new Error('these scopes\n# TYPE are broken');
      },
    }),
    'at its first row': () => snapshotOf(broken(0)),
  };
  const late: Record<string, () => Snapshot> = {
    'in the middle': () => snapshotOf(gaugeOf('good', 1), broken(30_000)),
    'at its last row': () => snapshotOf(gaugeOf('good', 1), broken(LAST)),
  };

  for (const [when, snapshot] of Object.entries(early)) {
    for (const coding of ['identity', 'gzip', 'zstd']) {
      it(`${when}, in ${coding}, is 500, counted and logged`, async (t) => {
        const telemetry = createTestTelemetry();
        const reader = { collect: () => Promise.resolve(collectionOf(snapshot())) };
        const scrape = await servePull(t, { ...telemetry, reader });
        const { status, body } = await scrape('/metrics', { headers: { 'accept-encoding': coding } });
        assert.deepEqual([status, body], [500, '{"error":"the page could not be made"}']);
        assert.equal(await telemetry.value('metergate.pull.scrape.errors'), 1);
        assert.match(String(telemetry.lines[0]?.fields.error), /^Error: this row|^Error: these scopes/);
      });
    }
  }

  for (const [when, snapshot] of Object.entries(late)) {
    for (const coding of ['identity', 'gzip', 'zstd']) {
      it(`${when}, in ${coding}, is cut off, counted and logged`, async (t) => {
        const telemetry = createTestTelemetry();
        const reader = { collect: () => Promise.resolve(collectionOf(snapshot())) };
        const pull = await startPull(t, { ...telemetry, reader });
        await assert.rejects(pull.scrape('/metrics', { headers: { 'accept-encoding': coding } }), {
          code: 'ECONNRESET',
        });
        assert.equal(await telemetry.value('metergate.pull.scrape.errors'), 1);
        const [line, ...more] = telemetry.lines;
        assert.deepEqual([line?.level, line?.message, more], ['error', 'scrape failed', []]);
        assert.match(String(line?.fields.error), /^Error: this row|^Error: these scopes/);
        const received = await say(pull.url, ask('GET', '/metrics', `accept-encoding: ${coding}`));
        assert.match(received, /^HTTP\/1.1 200 /);
        assert.doesNotMatch(received, /\r\n0\r\n\r\n$/);
        assert.doesNotMatch(received, /is broken|are broken/);
        assert.equal(await telemetry.value('metergate.pull.scrape.errors'), 2);
      });
    }
  }

  it('does no harm to others of the same collection, nor to the next', async (t) => {
    const telemetry = createTestTelemetry();
    const reader = { collect: () => Promise.resolve(collectionOf(snapshotOf(gaugeOf('good', 5), broken(30_000)))) };
    const pull = await startPull(t, { ...telemetry, reader });
    for (let i = 0; i < 3; i++) {
      const results = await Promise.allSettled([
        pull.scrape(),
        pull.scrape('/metrics?name[]=good'),
        pull.scrape('/metrics', { headers: { accept: PROTO } }),
        pull.scrape('/metrics?name[]=good', { headers: { 'accept-encoding': 'gzip' } }),
        pull.scrape('/metrics', { method: 'HEAD' }),
      ]);
      assert.deepEqual(
        results.map((result) => (result.status === 'fulfilled' ? result.value.status : 'cut off')),
        // Of protobuf nothing has left before the whole family is there.
        ['cut off', 200, 500, 200, 200],
      );
      const [, good] = results;
      assert.ok(good.status === 'fulfilled');
      assert.equal(readPage(good.value.body).samples.length, 5);
    }
    assert.equal(await telemetry.value('metergate.pull.scrape.errors'), 6);
  });

  it('leaves the labels as they are', async (t) => {
    const { events } = createTestTelemetry();
    const metric = gaugeOf('once', 5_000);
    let breaking = true;
    const watched = watchedGauge(metric, (row) => {
      if (breaking && row === 2_500) throw new Error('no row');
    });
    const scrape = await servePull(t, { reader: readerOf(snapshotOf(watched)), events });
    await assert.rejects(scrape());
    breaking = false;
    assert.deepEqual((await scrape()).bytes, pageOf(snapshotOf(metric)).bytes);
  });
});

describe('families that cannot be on a page', () => {
  const snapshot = toSnapshot({
    scopes: [
      {
        metrics: [
          gauge('good'),
          gauge('§'),
          counter('growth', { temporality: 'delta' }),
          histogram('good'),
          histogram('h'),
          gauge('h.count'),
          histogram('bounds', { points: [{ bounds: [2, 1], buckets: [1, 1, 1] }] }),
          counter('negative', { points: [{ value: -1 }] }),
          gauge('twice', { points: rows({ a: 1 }, { a: '1' }, { a: 2 }) }),
          quantiles('quantiles', { points: [{ quantiles: [0.9, 0.5], values: [1, 2], count: 1 }] }),
          exponential('unknown.sum', { points: [{ scale: 0, positive: { offset: 0, counts: [1] } }] }),
        ],
      },
    ],
  });
  const reasonsOf = async (telemetry: TestTelemetry): Promise<Record<string, number>> => {
    const series = await telemetry.series('metergate.pull.families.dropped');
    return Object.fromEntries(series.map(({ attributes, value }) => [String(attributes['metergate.reason']), value]));
  };
  const text = {
    no_name: 1,
    delta_temporality: 1,
    type_conflict: 1,
    name_conflict: 1,
    bad_bounds: 2,
    bad_value: 1,
    duplicate_series: 1,
  };
  const twice = (reasons: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(reasons).map(([reason, count]) => [reason, 2 * count]));

  it('are counted with their reasons, once in each scrape', async (t) => {
    const telemetry = createTestTelemetry();
    const scrape = await servePull(t, { ...telemetry, reader: readerOf(snapshot) });
    const { status, body } = await scrape();
    assert.equal(status, 200);
    assert.deepEqual(await reasonsOf(telemetry), text);
    assert.equal((await scrape()).body, body);
    assert.deepEqual(await reasonsOf(telemetry), twice(text));
    assert.deepEqual(
      telemetry.lines.map(({ message, fields }) => [message, fields['metergate.reason'], fields.family]).sort(),
      [
        ['family dropped', 'bad_bounds', 'bounds'],
        ['family dropped', 'bad_value', 'negative'],
        ['family dropped', 'delta_temporality', 'growth'],
        ['family dropped', 'duplicate_series', 'twice'],
        ['family dropped', 'name_conflict', 'h.count'],
        ['family dropped', 'no_name', '§'],
        ['family dropped', 'type_conflict', 'good'],
      ],
    );
  });

  it('are counted as the format has them', async (t) => {
    const telemetry = createTestTelemetry();
    const scrape = await servePull(t, { ...telemetry, reader: readerOf(snapshot) });
    await scrape('/metrics', { headers: { accept: PROTO } });
    const { no_sum, ...rest } = await reasonsOf(telemetry);
    assert.equal(no_sum, 1);
    assert.deepEqual(Object.keys(rest).sort(), Object.keys(text).sort());
  });

  it('are not counted by HEAD, which makes no page, nor by the official page', async (t) => {
    const telemetry = createTestTelemetry();
    const scrape = await servePull(t, { ...telemetry, reader: readerOf(snapshot) });
    await scrape('/metrics', { method: 'HEAD' });
    await scrape('/metrics/otel-js');
    await turn();
    assert.deepEqual(await reasonsOf(telemetry), {});
  });
});
