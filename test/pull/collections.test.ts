// When a collection runs, for how many scrapes, and what one that hangs costs.
import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { createSharedCollections } from '../../src/pull/collections.ts';
import { createPullRoutes } from '../../src/pull/index.ts';
import type { Reader } from '../../src/telemetry/engine.ts';
import { expositionDefaults } from '../exposition/page.ts';
import { readPage } from '../exposition/read-page.ts';
import { askOn, open } from '../http/raw.ts';
import { createTestTelemetry } from '../support/telemetry.ts';
import { until } from '../support/until.ts';
import { engineNames, telemetryOn } from '../telemetry/telemetry-on.ts';
import { createGatedReader, gaugeOf, readerOf, snapshotOf } from './readers.ts';
import { servePull, startPull } from './scrape.ts';

const SCRAPES = 50;

describe('scrapes at the same time', () => {
  it('share one collection while it runs', async (t) => {
    const telemetry = createTestTelemetry();
    const reader = createGatedReader(telemetry.pull);
    telemetry.instruments.counter('inference.requests').add(3);
    const pull = await startPull(t, { ...telemetry, reader });
    reader.close();
    const scrapes = Array.from({ length: SCRAPES }, () => pull.scrape());
    await until('all have come', () => pull.handled() === SCRAPES);
    reader.open();
    const pages = await Promise.all(scrapes);
    assert.equal(reader.timeoutsMs.length, 1);
    assert.deepEqual([...new Set(pages.map(({ status, body }) => `${status} ${body}`))], [`200 ${pages[0]?.body}`]);
    assert.match(pages[0]?.body ?? '', /^inference_requests_total\{.*\} 3$/m);
  });

  it('share it whatever they ask for', async (t) => {
    const telemetry = createTestTelemetry();
    const reader = createGatedReader(telemetry.pull);
    telemetry.instruments.counter('inference.requests').add(3);
    const pull = await startPull(t, { ...telemetry, reader });
    reader.close();
    const scrapes = [
      pull.scrape('/metrics', { headers: { accept: 'application/openmetrics-text', 'accept-encoding': 'gzip' } }),
      pull.scrape('/metrics?name[]=inference_requests_total'),
      pull.scrape('/metrics/otel-js'),
      pull.scrape('/metrics', { method: 'HEAD' }),
      pull.scrape('/metrics', { headers: { 'x-prometheus-scrape-timeout-seconds': '10' } }),
    ];
    await until('all have come', () => pull.handled() === scrapes.length);
    reader.open();
    for (const { status } of await Promise.all(scrapes)) assert.equal(status, 200);
    assert.equal(reader.timeoutsMs.length, 1);
  });

  it('that come in one turn share one that takes none', async () => {
    const reader = createGatedReader(readerOf(snapshotOf(gaugeOf('a', 1))));
    const collect = createSharedCollections(reader);
    const collections = await Promise.all(Array.from({ length: SCRAPES }, () => collect(1_000)));
    assert.equal(reader.timeoutsMs.length, 1);
    assert.equal(new Set(collections).size, 1);
  });

  it('share none that waits for less than they would have done, and few run whatever is asked for', async () => {
    const reader = createGatedReader(readerOf(snapshotOf(gaugeOf('a', 1))));
    const collect = createSharedCollections(reader);
    reader.close();
    const collections = Array.from({ length: 1_200 }, (_, patienceMs) => collect(patienceMs));
    await new Promise(setImmediate);
    assert.deepEqual(
      reader.timeoutsMs.map(Number).sort((a, b) => a - b),
      [100, 200, 500, 1_000],
    );
    reader.open();
    await Promise.all(collections);
  });

  it('lose no reading by one that hardly waits, be it there before them or come later', async (t) => {
    const telemetry = telemetryOn('native');
    let calls = 0;
    let ended = Promise.withResolvers<undefined>();
    const gauge = telemetry.getMeter({ name: 'mine' }).createObservableGauge('slow');
    gauge.addCallback(async (result) => {
      const call = ++calls;
      await ended.promise;
      result.observe(call);
    });
    const reader = createGatedReader(telemetry.pull);
    const pull = await startPull(t, { ...telemetry, reader });
    const scrapeFor = (seconds: string) =>
      pull.scrape('/metrics', { headers: { 'x-prometheus-scrape-timeout-seconds': seconds } });
    const hasty = async (): Promise<void> => assert.doesNotMatch((await scrapeFor('0.001')).body, /^slow/m);

    for (let round = 1; round <= 4; round++) {
      ended = Promise.withResolvers();
      if (round % 2 === 0) await hasty();
      const patient = scrapeFor('10');
      await until('it is collected', () => reader.timeoutsMs.at(-1) === 1_000);
      await hasty();
      ended.resolve(undefined);
      assert.match((await patient).body, new RegExp(`^slow\\{.*\\} ${round}$`, 'm'));
    }
  });

  it('share its failure, and the next one is tried anew', async (t) => {
    const telemetry = createTestTelemetry();
    let failing = true;
    const reader = createGatedReader({
      collect: (timeoutMs) => (failing ? Promise.reject(new Error('no')) : telemetry.pull.collect(timeoutMs)),
    });
    const pull = await startPull(t, { ...telemetry, reader });
    reader.close();
    const scrapes = Array.from({ length: SCRAPES }, () => pull.scrape());
    await until('all have come', () => pull.handled() === SCRAPES);
    reader.open();
    for (const { status } of await Promise.all(scrapes)) assert.equal(status, 500);
    assert.equal(reader.timeoutsMs.length, 1);
    assert.equal(await telemetry.value('metergate.pull.scrape.errors'), SCRAPES);
    failing = false;
    assert.equal((await pull.scrape()).status, 200);
    assert.equal(reader.timeoutsMs.length, 2);
  });
});

describe('a scrape after a collection', () => {
  it('gets one of its own, with what was recorded before it', async (t) => {
    const telemetry = createTestTelemetry();
    const reader = createGatedReader(telemetry.pull);
    const requests = telemetry.instruments.counter('inference.requests');
    const scrape = await servePull(t, { ...telemetry, reader });
    for (let n = 1; n <= 5; n++) {
      requests.add(1);
      assert.match((await scrape()).body, new RegExp(`^inference_requests_total\\{.*\\} ${n}$`, 'm'));
      assert.equal(reader.timeoutsMs.length, n);
    }
  });

  it('gets one of its own though the page of the one before is still being read', async (t) => {
    const telemetry = createTestTelemetry();
    const reader = createGatedReader(readerOf(snapshotOf(gaugeOf('a', 200_000))));
    const pull = await startPull(t, { ...telemetry, reader });
    const slow = open(pull.url, askOn('GET', '/metrics'));
    await until('it is collected', () => reader.timeoutsMs.length === 1);
    assert.equal((await pull.scrape('/metrics?name[]=none')).status, 200);
    assert.equal(reader.timeoutsMs.length, 2);
    slow.destroy();
  });

  it('finds what was recorded in the turn in which it came, before it and after it', async () => {
    const telemetry = createTestTelemetry();
    const reader = createGatedReader(telemetry.pull);
    const requests = telemetry.instruments.counter('inference.requests');
    const [route] = createPullRoutes({
      ...expositionDefaults,
      ...telemetry,
      reader,
      path: '/metrics',
      scrapesInFlightMax: SCRAPES,
    });
    assert.ok(route !== undefined);
    const scrapes = Array.from({ length: SCRAPES }, () => {
      requests.add(1);
      return route.handle({ method: 'GET', query: '', headers: {} });
    });
    requests.add(1);
    for (const scrape of scrapes) {
      const { status, body } = await scrape;
      assert.ok(status === 200 && typeof body !== 'string');
      const page = (await buffer(body)).toString();
      assert.match(page, new RegExp(`^inference_requests_total\\{.*\\} ${SCRAPES + 1}$`, 'm'));
    }
    assert.equal(reader.timeoutsMs.length, 1);
  });
});

describe('the time that a collection may take', () => {
  const headers: Record<string, number> = {
    '0.2': 100,
    '0.5': 200,
    '0.25': 200,
    '0.624': 200,
    '0.625': 500,
    '1': 500,
    '1.249': 500,
    '1.25': 1000,
    '10': 1000,
    '1e300': 1000,
    // Callbacks have 100 ms in any case.
    '0.1': 100,
    '1e-9': 100,
    // What is no time is as if it were not there.
    '': 1000,
    '0': 1000,
    '-1': 1000,
    NaN: 1000,
    '-Infinity': 1000,
    Infinity: 1000,
    '10s': 1000,
    '0,2': 1000,
    'soon\tor never': 1000,
  };
  for (const [given, timeoutMs] of Object.entries(headers)) {
    it(`is ${timeoutMs} ms of a scraper that waits '${given}' seconds`, async (t) => {
      const telemetry = createTestTelemetry();
      const reader = createGatedReader(telemetry.pull);
      const scrape = await servePull(t, { ...telemetry, reader });
      assert.equal(
        (await scrape('/metrics', { headers: { 'X-Prometheus-Scrape-Timeout-Seconds': given } })).status,
        200,
      );
      assert.deepEqual(reader.timeoutsMs, [timeoutMs]);
    });
  }

  it('is 1000 ms of one that does not say, or says two things', async (t) => {
    const telemetry = createTestTelemetry();
    const reader = createGatedReader(telemetry.pull);
    const scrape = await servePull(t, { ...telemetry, reader });
    await scrape();
    await scrape('/metrics', { headers: { 'X-Prometheus-Scrape-Timeout-Seconds': ['0.2', '0.2'] } });
    assert.deepEqual(reader.timeoutsMs, [1000, 1000]);
  });
});

for (const engine of engineNames) {
  describe(`what hangs, with the engine ${engine},`, () => {
    const never = <T>(): Promise<T> => new Promise(() => {});
    const sources = (body: string): (string | undefined)[] =>
      readPage(body)
        .samples.filter(({ name }) => name === 'metergate_scrape_source_errors_total')
        .map(({ labels }) => labels.get('metergate_source'));

    it('costs its own readings and nothing else, in every scrape', async (t) => {
      const telemetry = telemetryOn(engine);
      const meter = telemetry.getMeter({ name: 'mine' });
      meter.createObservableGauge('hangs').addCallback(never);
      meter.createObservableGauge('works').addCallback((result) => result.observe(7));
      meter.createObservableGauge('works.late').addCallback(async (result) => {
        await new Promise(setImmediate);
        result.observe(8);
      });
      telemetry.instruments.counter('inference.requests').add(3);
      telemetry.addSource({ name: 'hanging', collect: never });
      telemetry.addSource({
        name: 'working',
        collect: () => Promise.resolve(snapshotOf(gaugeOf('of_a_source', 1)).scopes),
      });
      const reader = createGatedReader(telemetry.pull);
      const scrape = await servePull(t, { ...telemetry, reader });

      for (let i = 1; i < 4; i++) {
        const headers = { 'x-prometheus-scrape-timeout-seconds': '0.2' };
        const { status, body } = await scrape('/metrics', { headers });
        assert.equal(status, 200);
        const { samples } = readPage(body);
        const values = ['inference_requests_total', 'works', 'works_late', 'of_a_source', 'hangs'].map(
          (own) => samples.find(({ name }) => name === own)?.value,
        );
        assert.deepEqual(values, [3, 7, 8, 0, undefined]);
        const failed = engine === 'native' ? ['hangs', 'hanging'] : ['callback', 'hanging'];
        assert.deepEqual(sources(body).sort(), i === 1 ? [] : failed.sort());
      }
      assert.deepEqual(reader.timeoutsMs, [100, 100, 100]);
      // Now somebody waits for it to the end, and then nobody any more.
      for (const path of ['/metrics', '/metrics?name[]=works&name[]=hangs']) {
        const { status, body } = await scrape(path);
        assert.equal(status, 200);
        assert.match(body, /^works\{.*\} 7$/m);
        assert.doesNotMatch(body, /^hangs/m);
      }
      const other = await scrape('/metrics/otel-js');
      assert.equal(other.status, 200);
      assert.match(other.body, /^works\{.*\} 7$/m);
    });

    it('is there again once it has ended', async (t) => {
      const telemetry = telemetryOn(engine);
      let hanging = Promise.withResolvers<undefined>();
      telemetry
        .getMeter({ name: 'mine' })
        .createObservableGauge('hangs')
        .addCallback(async (result) => {
          await hanging.promise;
          result.observe(7);
        });
      const reader: Reader = { collect: (timeoutMs) => telemetry.pull.collect(Math.min(20, timeoutMs ?? 0)) };
      const scrape = await servePull(t, { ...telemetry, reader });
      assert.doesNotMatch((await scrape()).body, /^hangs/m);
      hanging.resolve(undefined);
      hanging = Promise.withResolvers<undefined>();
      hanging.resolve(undefined);
      await until('it is there', async () => /^hangs\{.*\} 7$/m.test((await scrape()).body));
    });
  });
}
