// How many scrapes are answered at one time, and that each gives its place back, whatever becomes of it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Snapshot } from '../../src/metric/model.ts';
import { ask, askOn, open, say } from '../http/raw.ts';
import { createTestTelemetry, type TestTelemetry } from '../support/telemetry.ts';
import { until } from '../support/until.ts';
import {
  collectionOf,
  createGatedReader,
  gaugeOf,
  hugeGauge,
  snapshotOf,
  watchedGauge,
  type GatedReader,
} from './readers.ts';
import { startPull, type Pull } from './scrape.ts';

const PLACES = 2;
/** A page that is soon there. */
const SMALL = '/metrics?name[]=small';

const codings = ['identity', 'gzip', 'zstd'] as const;

interface Places extends Pull {
  readonly telemetry: TestTelemetry;
  readonly reader: GatedReader;
  /** Rows of the huge family that have been written since the start. */
  readonly rowsWritten: () => number;
  /** The next collections fail, or have a row that cannot be written, or are well again. */
  readonly become: (state: 'well' | 'failing' | 'broken') => void;
  /** Of one scrape more than there are places, all at the same time: how many are served. */
  readonly served: () => Promise<number>;
}

const huge = hugeGauge('huge');
const ROWS = 400;

async function start(t: TestContext): Promise<Places> {
  const telemetry = createTestTelemetry();
  let rows = 0;
  let state: 'well' | 'failing' | 'broken' = 'well';
  const collect = (): Snapshot => {
    if (state === 'failing') throw new Error('no collection');
    const breaks = state === 'broken';
    const watched = watchedGauge(huge, (row) => {
      rows++;
      if (breaks && row === ROWS / 2) throw new Error('no row');
    });
    return snapshotOf(gaugeOf('small', 1), watched);
  };
  const reader = createGatedReader({ collect: async () => Promise.resolve(collectionOf(collect())) });
  const pull = await startPull(t, { ...telemetry, reader, scrapesInFlightMax: PLACES });
  return {
    ...pull,
    telemetry,
    reader,
    rowsWritten: () => rows,
    become: (next) => (state = next),
    served: async () => {
      reader.close();
      const before = pull.handled();
      const scrapes = Array.from({ length: PLACES + 1 }, () => pull.scrape(SMALL));
      await until('all have come', () => pull.handled() === before + PLACES + 1);
      reader.open();
      return (await Promise.all(scrapes)).filter(({ status }) => status === 200).length;
    },
  };
}

/** Waits until the number no longer grows. */
async function settled(number: () => number): Promise<void> {
  for (let before = -1; before !== number();) {
    before = number();
    await sleep(100);
  }
}

const times = <T>(count: number, one: () => T): T[] => Array.from({ length: count }, one);
const accepting = (coding: string): string => `accept-encoding: ${coding}`;

describe('more scrapes at once than there are places', () => {
  it('are 503, with the time to come again, and are counted and logged', async (t) => {
    const { scrape, handled, reader, telemetry } = await start(t);
    reader.close();
    const served = times(PLACES, () => scrape(SMALL));
    await until('all places are taken', () => handled() === PLACES);
    for (const path of [SMALL, '/metrics/otel-js']) {
      const { status, headers, contentType, body } = await scrape(path);
      assert.deepEqual([status, headers['retry-after']], [503, '1']);
      assert.deepEqual([contentType, body], ['text/plain; charset=utf-8', 'Too many scrapes at one time.\n']);
    }
    reader.open();
    for (const { status } of await Promise.all(served)) assert.equal(status, 200);
    assert.equal(reader.timeoutsMs.length, 1);
    assert.equal(await telemetry.value('metergate.pull.scrapes.rejected'), 2);
    assert.equal(await telemetry.value('metergate.pull.scrape.errors'), 0);
    assert.deepEqual(
      telemetry.lines.map(({ level, message }) => [level, message]),
      [['warn', 'scrape rejected']],
    );
  });

  it('are as many as the limit says, again and again', async (t) => {
    const { served } = await start(t);
    for (let i = 0; i < 5; i++) assert.equal(await served(), PLACES);
  });
});

/** What takes places: more of them than there are, one after the other or, where they last, at once. */
const ends: Record<string, (places: Places) => Promise<unknown>> = {
  HEAD: async ({ scrape }) => {
    for (let i = 0; i <= PLACES; i++) assert.equal((await scrape(SMALL, { method: 'HEAD' })).status, 200);
  },
  'HEAD of what would be huge': async ({ scrape, rowsWritten }) => {
    for (let i = 0; i <= PLACES; i++) assert.equal((await scrape('/metrics', { method: 'HEAD' })).status, 200);
    assert.equal(rowsWritten(), 0);
  },
  'the official page': async ({ scrape }) => {
    for (let i = 0; i <= PLACES; i++) assert.equal((await scrape('/metrics/otel-js')).status, 200);
  },
  'other methods and paths': async ({ scrape }) => {
    for (let i = 0; i <= PLACES; i++) {
      assert.equal((await scrape('/metrics', { method: 'POST' })).status, 405);
      assert.equal((await scrape('/metrics/other')).status, 404);
    }
  },
  'a collection that fails': async ({ scrape, become }) => {
    become('failing');
    for (let i = 0; i <= PLACES; i++) {
      assert.equal((await scrape()).status, 500);
      assert.equal((await scrape('/metrics/otel-js')).status, 500);
      assert.equal((await scrape('/metrics', { method: 'HEAD' })).status, 500);
    }
    become('well');
  },
  'several that wait for each other on one connection': async ({ url }) => {
    const received = await say(url, askOn('GET', SMALL).repeat(PLACES - 1) + ask('GET', SMALL));
    assert.equal(received.match(/HTTP\/1.1 200 /g)?.length, PLACES);
  },
  'readers that leave before there is a page': async ({ url, reader, handled }) => {
    reader.close();
    const sockets = times(PLACES, () => open(url, ask('GET', '/metrics')));
    const queued = open(url, askOn('GET', '/metrics').repeat(2));
    // Of one connection one at a time comes, and where it finds no place the next one.
    await until('all places are taken', () => handled() > PLACES);
    for (const socket of [...sockets, queued]) socket.destroy();
    await sleep(20);
    reader.open();
  },
  'readers that have closed their own side at once': async ({ url }) => {
    const sockets = times(PLACES, () => open(url, ask('GET', '/metrics')).resume());
    for (const socket of sockets) socket.end();
    await Promise.all(sockets.map((socket) => once(socket, 'close')));
  },
};

for (const coding of codings) {
  ends[`the last byte of a page of ${coding}`] = async ({ scrape }) => {
    const headers = { 'accept-encoding': coding };
    for (let i = 0; i <= PLACES; i++) {
      const { status, bytes } = await scrape('/metrics', { headers });
      assert.equal(status, 200);
      assert.ok(bytes.length > 10e6);
    }
  };
  ends[`a page of ${coding} that fails`] = async ({ scrape, become, telemetry }) => {
    become('broken');
    const headers = { 'accept-encoding': coding };
    for (let i = 0; i <= PLACES; i++) await assert.rejects(scrape('/metrics', { headers }), { code: 'ECONNRESET' });
    assert.equal(await telemetry.value('metergate.pull.scrape.errors'), PLACES + 1);
    become('well');
  };
  ends[`a reader that leaves in the middle of a page of ${coding}`] = async ({ url, rowsWritten, handled }) => {
    for (let i = 1; i <= PLACES + 1; i++) {
      const socket = open(url, ask('GET', '/metrics', accepting(coding)));
      await until('it has come', () => handled() === i);
      await once(socket.resume(), 'data');
      socket.destroy();
      await settled(rowsWritten);
    }
    assert.ok(rowsWritten() < (PLACES + 1) * ROWS, 'it has left in the middle');
  };
  ends[`readers that read nothing of a page of ${coding}, and then leave`] = async (places) => {
    const { url, scrape, rowsWritten, handled } = places;
    const sockets = times(PLACES, () => open(url, ask('GET', '/metrics', accepting(coding))));
    await until('all have come', () => handled() === PLACES);
    await settled(rowsWritten);
    assert.equal((await scrape(SMALL)).status, 503);
    for (const socket of sockets) socket.destroy();
  };
  ends[`requests on one connection that reads nothing of ${coding}, and then breaks`] = async (places) => {
    const { url, served, rowsWritten, handled } = places;
    const socket = open(url, askOn('GET', '/metrics', accepting(coding)).repeat(PLACES + 2));
    await until('one has come', () => handled() === 1);
    await settled(rowsWritten);
    // However many they are, they take one place.
    assert.equal(await served(), PLACES - 1);
    socket.resetAndDestroy();
    let rounds = 1;
    await until('its place is free', async () => (rounds++, (await served()) === PLACES));
    assert.equal(handled(), 1 + rounds * (PLACES + 1), 'none of those that waited has come');
  };
}

describe('all places are free again after', () => {
  for (const [what, take] of Object.entries(ends)) {
    it(what, async (t) => {
      const places = await start(t);
      await take(places);
      await until('all are free', async () => (await places.served()) === PLACES);
      const { status, bytes } = await places.scrape();
      assert.deepEqual([status, bytes.length > 10e6], [200, true]);
    });
  }
});
