// What a scraper asks for by its request, over HTTP. The rules themselves are tested in test/exposition.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { Format } from '../../src/exposition/negotiation.ts';
import { OTEL_JS_TYPE } from '../../src/pull/otel-js.ts';
import { pageOf } from '../exposition/page.ts';
import { readPage } from '../exposition/read-page.ts';
import { toSnapshot } from '../exposition/snapshot.ts';
import { createTestTelemetry } from '../support/telemetry.ts';
import { until } from '../support/until.ts';
import { createGatedReader, readerOf } from './readers.ts';
import { startPull, type PullSetUp, type Scrape, type Scraped } from './scrape.ts';

const PROTO = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';

/** What is asked for -> what comes. */
const formats: Record<Format, { accept: string; contentType: string }> = {
  text: { accept: 'text/plain;version=0.0.4', contentType: 'text/plain; version=0.0.4; charset=utf-8' },
  text_1_0_0: {
    accept: 'text/plain;version=1.0.0;escaping=allow-utf-8',
    contentType: 'text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8',
  },
  openmetrics: {
    accept: 'application/openmetrics-text;version=1.0.0;escaping=underscores',
    contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores',
  },
  protobuf: {
    accept: `${PROTO};escaping=values`,
    contentType:
      'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=values',
  },
};
const formatNames = Object.keys(formats) as Format[];

const snapshot = toSnapshot({
  resource: { 'service.name': 'test' },
  scopes: [
    {
      scope: { name: 'shop' },
      metrics: [
        {
          kind: 'counter',
          name: 'orders',
          unit: '{order}',
          points: [
            { value: 3, attributes: { 'order.kind': 'a' }, start: 1_700_000_000_000 },
            { value: 4, attributes: { 'order.kind': 'b' } },
          ],
        },
        { kind: 'gauge', name: 'stock.level', unit: 'By', points: [{ value: 7 }] },
        {
          kind: 'histogram',
          name: 'wait',
          unit: 's',
          points: [{ bounds: [1, 2], buckets: [1, 2, 3], sum: 10, start: 1_700_000_000_000 }],
        },
      ],
    },
  ],
});

async function serve(t: TestContext, options: Partial<PullSetUp> = {}): Promise<Scrape> {
  const { events } = createTestTelemetry();
  return (await startPull(t, { reader: readerOf(snapshot), events, ...options })).scrape;
}

function expected(format: Format, names?: readonly string[]): Buffer {
  const escaping = ({ text_1_0_0: 'allow-utf-8', protobuf: 'values' } as const)[format as string] ?? 'underscores';
  return pageOf(snapshot, { format, escaping, names: names && new Set(names) }).bytes;
}

/** The messages of a delimited page. */
function framesOf(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    let [length, shift, byte] = [0, 0, 0x80];
    for (; byte >= 0x80; shift += 7) {
      byte = bytes[at++] ?? assert.fail('a length is cut off');
      length |= (byte & 0x7f) << shift;
    }
    assert.ok(at + length <= bytes.length, 'a message is cut off');
    frames.push(bytes.subarray(at, at + length));
    at += length;
  }
  return frames;
}

/** Reads as much of a page as is needed to see that it is one of its format. @returns the names of its families. */
function familiesOf(format: Format, { bytes, body }: Scraped): string[] {
  if (format === 'protobuf') {
    // Field 1, the name, comes first: its tag, then its length.
    return framesOf(bytes).map((frame) => frame.toString('utf8', 2, 2 + (frame[1] ?? 0)));
  }
  if (format === 'text') return [...readPage(body).types.keys()];
  assert.match(body, format === 'openmetrics' ? /\n# EOF\n$/ : /\n$/);
  return [...body.matchAll(/^# TYPE (\S+) \w+$/gm)].map(([, name = '']) => name.replaceAll('"', ''));
}

describe('a scrape that names its format', () => {
  const families: Record<Format, readonly string[]> = {
    text: ['target_info', 'orders_total', 'stock_level_bytes', 'wait_seconds'],
    text_1_0_0: ['target_info', 'orders_total', 'stock_level_bytes', 'wait_seconds'],
    openmetrics: ['target', 'orders', 'stock_level_bytes', 'wait_seconds'],
    protobuf: ['target_info', 'orders_total', 'stock_level_bytes', 'wait_seconds'],
  };
  for (const format of formatNames) {
    it(`gets ${format}, and is told so`, async (t) => {
      const scrape = await serve(t);
      const { accept, contentType } = formats[format];
      const scraped = await scrape('/metrics', { headers: { accept } });
      assert.deepEqual([scraped.status, scraped.contentType], [200, contentType]);
      assert.deepEqual(familiesOf(format, scraped), families[format]);
      assert.deepEqual(scraped.bytes, expected(format));
    });
  }

  it('in several headers has the best of all of them', async (t) => {
    const scrape = await serve(t);
    const accept = ['text/plain;version=0.0.4;q=0.2', 'application/openmetrics-text;version=1.0.0;q=0.5'];
    const { contentType } = await scrape('/metrics', { headers: { accept } });
    assert.equal(contentType, formats.openmetrics.contentType);
  });

  it('that nobody knows, or none, gets text 0.0.4', async (t) => {
    const scrape = await serve(t);
    for (const headers of [{}, { accept: 'image/png' }, { accept: ';;q=,' }]) {
      const { status, contentType } = await scrape('/metrics', { headers });
      assert.deepEqual([status, contentType], [200, formats.text.contentType]);
    }
  });
});

describe('a scrape that accepts a compression', () => {
  const decompress = { gzip: gunzipSync, zstd: zstdDecompressSync };
  for (const coding of ['gzip', 'zstd'] as const) {
    for (const format of formatNames) {
      it(`gets the same page of ${format} in ${coding}`, async (t) => {
        const scrape = await serve(t);
        const { accept, contentType } = formats[format];
        const scraped = await scrape('/metrics', { headers: { accept, 'accept-encoding': coding } });
        assert.deepEqual([scraped.status, scraped.contentType], [200, contentType]);
        assert.equal(scraped.headers['content-encoding'], coding);
        assert.deepEqual(decompress[coding](scraped.bytes), expected(format));
      });
    }

    it(`gets the official page in ${coding}`, async (t) => {
      const scrape = await serve(t);
      const plain = await scrape('/metrics/otel-js');
      const scraped = await scrape('/metrics/otel-js', { headers: { 'accept-encoding': coding } });
      assert.deepEqual([scraped.status, scraped.contentType], [200, OTEL_JS_TYPE]);
      assert.equal(scraped.headers['content-encoding'], coding);
      assert.deepEqual(decompress[coding](scraped.bytes), plain.bytes);
      assert.match(plain.body, /^orders_total\{order_kind="a"/m);
    });
  }

  it('of no name that we know gets it plain', async (t) => {
    const scrape = await serve(t);
    for (const coding of ['identity', 'br', 'gzip;q=0', '']) {
      const { headers, bytes } = await scrape('/metrics', { headers: { 'accept-encoding': coding } });
      assert.equal(headers['content-encoding'], undefined);
      assert.deepEqual(bytes, expected('text'), coding);
    }
  });
});

describe('the head of a page', () => {
  const requests = ['/metrics', '/metrics/otel-js', '/metrics?name[]=none'].flatMap((path) =>
    formatNames.flatMap((format) =>
      ['identity', 'gzip', 'zstd'].map((coding) => ({
        path,
        headers: { accept: formats[format].accept, 'accept-encoding': coding },
      })),
    ),
  );

  it('says what it depends on, and that it is not to be kept', async (t) => {
    const scrape = await serve(t);
    for (const { path, headers } of requests) {
      const { headers: head } = await scrape(path, { headers });
      assert.deepEqual([head.vary, head['cache-control']], ['accept, accept-encoding', 'no-store']);
    }
  });

  it('is the same by HEAD, which has no body', async (t) => {
    const scrape = await serve(t);
    const headOf = ({ status, headers }: Scraped) => ({
      status,
      ...headers,
      date: undefined,
      'transfer-encoding': undefined,
    });
    for (const { path, headers } of requests) {
      const get = await scrape(path, { headers });
      const head = await scrape(path, { headers, method: 'HEAD' });
      assert.equal(head.bytes.length, 0);
      assert.deepEqual(headOf(head), headOf(get));
    }
  });

  it('by HEAD is that of the failure where the collection fails, or there are too many', async (t) => {
    const failing = await serve(t, { reader: { collect: () => Promise.reject(new Error('no')) } });
    const { status, contentType, bytes } = await failing('/metrics', { method: 'HEAD' });
    assert.deepEqual([status, contentType, bytes.length], [500, 'text/plain; charset=utf-8', 0]);

    const reader = createGatedReader(readerOf(snapshot));
    const { events } = createTestTelemetry();
    const pull = await startPull(t, { reader, events, scrapesInFlightMax: 1 });
    reader.close();
    const first = pull.scrape('/metrics', { method: 'HEAD' });
    await until('it is there', () => pull.handled() === 1);
    const second = await pull.scrape('/metrics', { method: 'HEAD' });
    assert.deepEqual([second.status, second.headers['retry-after'], second.bytes.length], [503, '1', 0]);
    reader.open();
    assert.equal((await first).status, 200);
  });
});

describe('a scrape that names samples', () => {
  const named: Record<string, { query: string; names: readonly string[]; samples: readonly string[] }> = {
    'gets that one': { query: 'name[]=orders_total', names: ['orders_total'], samples: ['orders_total'] },
    'gets all of several': {
      query: 'name[]=orders_total&name[]=stock_level_bytes',
      names: ['orders_total', 'stock_level_bytes'],
      samples: ['orders_total', 'stock_level_bytes'],
    },
    'may escape the brackets, and the name': {
      query: 'name%5B%5D=orders%5Ftotal&name%5b%5d=stock_level_bytes',
      names: ['orders_total', 'stock_level_bytes'],
      samples: ['orders_total', 'stock_level_bytes'],
    },
    'gets single samples of a histogram': {
      query: 'name[]=wait_seconds_sum&name[]=wait_seconds_count',
      names: ['wait_seconds_sum', 'wait_seconds_count'],
      samples: ['wait_seconds_sum', 'wait_seconds_count'],
    },
    'does not get a name that is not there': {
      query: 'name[]=nowhere&name[]=orders_total',
      names: ['nowhere', 'orders_total'],
      samples: ['orders_total'],
    },
    'gets an empty page where nothing is there': {
      query: 'name[]=nowhere&name[]=',
      names: ['nowhere', ''],
      samples: [],
    },
    'gets nothing for a part of a name, or another spelling': {
      query: 'name[]=orders&name[]=ORDERS_TOTAL&name[]=orders_tota*',
      names: ['orders', 'ORDERS_TOTAL', 'orders_tota*'],
      samples: [],
    },
  };
  for (const [what, { query, names, samples }] of Object.entries(named)) {
    it(what, async (t) => {
      const scrape = await serve(t);
      const { body } = await scrape(`/metrics?${query}`);
      assert.deepEqual([...new Set(readPage(body).samples.map(({ name }) => name))], samples);
      for (const format of formatNames) {
        const { accept, contentType } = formats[format];
        const scraped = await scrape(`/metrics?${query}`, { headers: { accept } });
        assert.deepEqual([scraped.status, scraped.contentType], [200, contentType]);
        assert.deepEqual(scraped.bytes, expected(format, names), format);
      }
    });
  }

  it('gets only these in a compressed page, too', async (t) => {
    const scrape = await serve(t);
    const { bytes } = await scrape('/metrics?name[]=orders_total', { headers: { 'accept-encoding': 'gzip' } });
    assert.deepEqual(gunzipSync(bytes), expected('text', ['orders_total']));
  });

  it('leaves the pages of others whole', async (t) => {
    const scrape = await serve(t);
    const pages = await Promise.all([
      scrape(),
      scrape('/metrics?name[]=orders_total'),
      scrape('/metrics?name[]=stock_level_bytes'),
      scrape(),
    ]);
    assert.deepEqual(
      pages.map(({ bytes }) => bytes),
      [undefined, ['orders_total'], ['stock_level_bytes'], undefined].map((names) => expected('text', names)),
    );
  });

  for (const query of [
    '',
    'name=orders_total',
    'names[]=orders_total',
    'other=1&x',
    '%',
    '&&&',
    'name[=orders_total',
  ]) {
    it(`gets all of them where it is ${query === '' ? 'nothing' : query}`, async (t) => {
      const scrape = await serve(t);
      assert.deepEqual((await scrape(`/metrics?${query}`)).bytes, expected('text'));
    });
  }
});
