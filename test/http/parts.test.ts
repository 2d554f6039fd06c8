import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { sendParts } from '../../src/http/parts.ts';
import { textAnswer, type Answer, type Route } from '../../src/http/routes.ts';
import { listen } from '../../src/http/server.ts';
import { until } from '../support/until.ts';
import { ask, askOn, open, say } from './raw.ts';
import { start } from './running-listener.ts';

const MIB = 1024 * 1024;
/** It shuts a connection down in order before it resets it, so that nobody sees the reset. */
const withoutReset = process.versions.node.startsWith('22.') && 'Node.js 22 has no reset that can be seen';

function streaming(parts: () => AsyncIterable<Uint8Array>): Route {
  return { path: '/parts', handle: () => ({ status: 200, contentType: 'text/plain', body: parts() }) };
}

/** Parts in one buffer, the bytes of each being its index and spoilt when the next one is asked for. */
async function* inOneBuffer(sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  const memory = new Uint8Array(Math.max(...sizes));
  for (const [i, size] of sizes.entries()) {
    memory.fill(i, 0, size);
    yield memory.subarray(0, size);
    memory.fill(0xff);
    if (i % 2 === 0) await turn();
  }
}

function apart(sizes: readonly number[]): Buffer {
  return Buffer.concat(sizes.map((size, i) => Buffer.alloc(size, i)));
}

/** The bytes of a body, asked for in parts with pauses between them. */
async function slowly(url: string): Promise<Buffer> {
  const answer = await fetch(url);
  assert.equal(answer.status, 200);
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body ?? []) {
    chunks.push(chunk as Uint8Array);
    await sleep(1);
  }
  return Buffer.concat(chunks);
}

/** Waits until the number no longer grows. */
async function settled(number: () => number): Promise<number> {
  for (let before = -1; before !== number();) {
    before = number();
    await sleep(50);
  }
  return number();
}

/** A body that says how far it is. */
function watched({
  bytes = 1000,
  parts = Infinity,
  waitFor = turn,
}: { bytes?: number; parts?: number; waitFor?: () => Promise<unknown> } = {}) {
  const counts = { begun: 0, asked: 0, ended: 0 };
  const body = async function* (): AsyncGenerator<Uint8Array> {
    counts.begun++;
    try {
      for (let part = 0; part < parts; part++) {
        counts.asked++;
        await waitFor();
        yield new Uint8Array(bytes);
      }
    } finally {
      counts.ended++;
    }
  };
  return { counts, body };
}

describe('a body in parts', () => {
  it('arrives whole and in order, with its type, whatever parts are empty', async (t) => {
    const { listener } = await start(t, [
      streaming(async function* () {
        for (let n = 0; n < 1_000; n++) {
          if (n % 3 === 0) yield new Uint8Array();
          if (n % 5 === 0) await turn();
          yield Buffer.from(`line ${n} é\n`);
        }
        yield new Uint8Array();
      }),
    ]);
    const answer = await fetch(`${listener.url}/parts`);
    assert.equal(answer.headers.get('content-type'), 'text/plain');
    assert.equal(await answer.text(), Array.from({ length: 1_000 }, (_, n) => `line ${n} é\n`).join(''));
  });

  it('may be empty, without a part or with empty ones only', async (t) => {
    for (const count of [0, 3]) {
      const { listener } = await start(t, [streaming(watched({ bytes: 0, parts: count }).body)]);
      assert.equal(await (await fetch(`${listener.url}/parts`)).text(), '');
    }
  });

  it('arrives intact from one buffer, however large its parts and slow its reader', async (t) => {
    const sizes = [10, 3 * MIB, 0, 1, 2 * MIB, MIB, 4 * MIB, 65_536, 2 * MIB, 100, 3 * MIB];
    const { listener } = await start(t, [streaming(() => inOneBuffer(sizes))]);
    assert.ok((await slowly(`${listener.url}/parts`)).equals(apart(sizes)));
  });

  it('arrives intact from one buffer where requests wait for their turn, and one that knows no chunks', async (t) => {
    const sizes = [2 * MIB, 100, MIB];
    const { listener } = await start(t, [streaming(() => inOneBuffer(sizes))]);
    const old = await buffer(open(listener.url, 'GET /parts HTTP/1.0\r\n\r\n'));
    assert.ok(old.subarray(old.indexOf('\r\n\r\n') + 4).equals(apart(sizes)));

    const three = await buffer(
      open(listener.url, askOn('GET', '/parts') + askOn('GET', '/parts') + ask('GET', '/parts')),
    );
    const bodies = apart(sizes);
    // Chunks are as large as parts.
    const first = three.indexOf('\r\n\r\n') + 4 + '200000\r\n'.length;
    assert.ok(three.subarray(first, first + 2 * MIB).equals(bodies.subarray(0, 2 * MIB)));
    for (let i = 0; i < sizes.length; i++) {
      const counts = [i, 0xff].map((byte) => three.reduce((sum, own) => sum + (own === byte ? 1 : 0), 0));
      assert.deepEqual(counts, [3 * (sizes[i] ?? 0), 0], `bytes of part ${i}`);
    }
  });

  it('is asked for no more than its reader takes', async (t) => {
    const { counts, body } = watched({ bytes: MIB, parts: 100 });
    const { listener } = await start(t, [streaming(body)]);
    const socket = open(listener.url, ask('GET', '/parts'));
    await until('it is begun', () => counts.begun === 1);
    const asked = await settled(() => counts.asked);
    assert.ok(asked < 100, `${asked} parts`);
    assert.ok((await buffer(socket)).length > 100 * MIB);
    assert.deepEqual(counts, { begun: 1, asked: 100, ended: 1 });
  });

  it('is not sent for HEAD, and yet begun and ended', async (t) => {
    const { counts, body } = watched({ parts: 3 });
    const { listener } = await start(t, [streaming(body)]);
    const head = await say(listener.url, ask('HEAD', '/parts'));
    assert.match(head, /^HTTP\/1.1 200 .*\r\ncontent-type: text\/plain\r\n.*\r\n\r\n$/s);
    assert.doesNotMatch(head, /content-length/i);
    await until('it is ended', () => counts.ended === 1);
    assert.equal(counts.begun, 1);
  });

  it('leaves a connection as it was, for many requests one after the other and at once', async (t) => {
    const warnings: string[] = [];
    const onWarning = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', onWarning);
    t.after(() => process.off('warning', onWarning));
    const { counts, body } = watched({ parts: 2, bytes: 1 });
    const { listener } = await start(t, [streaming(body)]);
    const received = await say(listener.url, `${askOn('GET', '/parts').repeat(29)}${ask('GET', '/parts')}`);
    assert.equal(received.match(/HTTP\/1.1 200 /g)?.length, 30);
    for (let i = 0; i < 30; i++) assert.equal((await (await fetch(`${listener.url}/parts`)).bytes()).length, 2);
    await turn();
    assert.deepEqual([counts.begun, counts.ended, warnings], [60, 60, []]);
  });
});

describe('a body that fails', () => {
  for (const partsBefore of [1, 5]) {
    it(`after ${partsBefore} parts is cut off, and the next answer is whole`, async (t) => {
      const { listener } = await start(t, [
        { path: '/text', handle: () => textAnswer(200, 'words') },
        streaming(async function* () {
          for (let part = 0; part < partsBefore; part++) {
            yield Buffer.from('part');
            await turn();
          }
          throw new Error('of the generator');
        }),
      ]);
      await assert.rejects(fetch(`${listener.url}/parts`).then((answer) => answer.text()));
      const received = await say(listener.url, ask('GET', '/parts'));
      assert.equal(received.match(/\r\npart\r\n/g)?.length ?? 0, partsBefore);
      assert.doesNotMatch(received, /0\r\n\r\n$/);
      assert.equal(await (await fetch(`${listener.url}/text`)).text(), 'words\n');
    });
  }

  it('after some parts is told from a whole one without chunks, too', { skip: withoutReset }, async (t) => {
    const { listener } = await start(t, [
      streaming(async function* () {
        yield Buffer.from('part');
        await turn();
        throw new Error('of the generator');
      }),
    ]);
    const socket = open(listener.url, 'GET /parts HTTP/1.0\r\n\r\n');
    socket.resume();
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
  });

  const early: Record<string, () => AsyncIterable<Uint8Array>> = {
    'before its first byte': async function* () {
      yield new Uint8Array();
      await turn();
      throw new Error('of the generator');
    },
    'when it is begun': () => ({
      [Symbol.asyncIterator]: () => {
        throw new Error('of the iterable');
      },
    }),
  };
  for (const [when, body] of Object.entries(early)) {
    it(`${when} is 500, without what it failed with`, async (t) => {
      const { listener } = await start(t, [streaming(body)]);
      const answer = await fetch(`${listener.url}/parts`);
      assert.equal(answer.status, 500);
      assert.deepEqual(await answer.json(), { error: 'the page could not be made' });
    });
  }

  it('while it waits for its turn does no harm to the answer before it', async (t) => {
    const before = Promise.withResolvers<Answer>();
    let asked = false;
    const { listener } = await start(t, [
      { path: '/slow', handle: () => ((asked = true), before.promise) },
      streaming(async function* () {
        yield new Uint8Array();
        await turn();
        throw new Error('of the generator');
      }),
    ]);
    const received = say(listener.url, askOn('GET', '/slow') + ask('GET', '/parts'));
    await until('it is asked for', () => asked);
    before.resolve(textAnswer(200, 'slow'));
    assert.match(await received, /\r\n\r\nslow\nHTTP\/1\.1 500 /);
  });
});

describe('a body whose reader leaves', () => {
  async function closeOnData(socket: Socket): Promise<void> {
    socket.resume();
    await once(socket, 'data');
    socket.destroy();
  }

  it('in the middle of it is ended', async (t) => {
    const { counts, body } = watched();
    const { listener } = await start(t, [streaming(body)]);
    await closeOnData(open(listener.url, ask('GET', '/parts')));
    await until('it is ended', () => counts.ended === 1);
  });

  it('while nothing of it can be sent is ended', async (t) => {
    const { counts, body } = watched({ bytes: MIB });
    const { listener } = await start(t, [streaming(body)]);
    const socket = open(listener.url, ask('GET', '/parts'));
    await until('it is begun', () => counts.begun === 1);
    await settled(() => counts.asked);
    assert.equal(counts.ended, 0);
    socket.destroy();
    await until('it is ended', () => counts.ended === 1);
  });

  it('while a part is waited for is ended when that is there, and nothing more is asked for', async (t) => {
    const gate = Promise.withResolvers<undefined>();
    const { counts, body } = watched({ waitFor: () => gate.promise });
    const { listener } = await start(t, [streaming(body)]);
    const socket = open(listener.url, ask('GET', '/parts'));
    await until('it is begun', () => counts.begun === 1);
    socket.destroy();
    await once(socket, 'close');
    await sleep(20);
    gate.resolve(undefined);
    await until('it is ended', () => counts.ended === 1);
    assert.equal(counts.asked, 1);
  });

  it('before it is made is begun and ended', async (t) => {
    const gate = Promise.withResolvers<undefined>();
    let asked = false;
    const { counts, body } = watched();
    const handle = async (): Promise<Answer> => {
      asked = true;
      await gate.promise;
      return { status: 200, contentType: 'text/plain', body: body() };
    };
    const { listener } = await start(t, [{ path: '/parts', handle }]);
    const socket = open(listener.url, ask('GET', '/parts'));
    await until('it is asked for', () => asked);
    socket.destroy();
    await sleep(20);
    gate.resolve(undefined);
    await until('it is ended', () => counts.ended === 1);
    assert.deepEqual(counts, { begun: 1, asked: 1, ended: 1 });
  });

  it('while others wait for their turn is ended, and the others are not begun', async (t) => {
    const { counts, body } = watched({ bytes: MIB });
    const { listener } = await start(t, [streaming(body)]);
    const socket = open(listener.url, askOn('GET', '/parts').repeat(5));
    await until('one is begun', () => counts.begun === 1);
    await settled(() => counts.asked);
    socket.destroy();
    await until('it is ended', () => counts.ended === 1);
    await sleep(20);
    assert.equal(counts.begun, 1);
  });

  it('before the turn of an answer that is not yet made comes is ended', async (t) => {
    const gate = Promise.withResolvers<undefined>();
    let asked = 0;
    const { counts, body } = watched();
    const handle = async (): Promise<Answer> => {
      asked++;
      await gate.promise;
      return { status: 200, contentType: 'text/plain', body: body() };
    };
    const { listener } = await start(t, [{ path: '/parts', handle }]);
    const socket = open(listener.url, askOn('GET', '/parts').repeat(3));
    await until('the first is asked for', () => asked === 1);
    socket.destroy();
    await sleep(20);
    gate.resolve(undefined);
    await until('it is ended', () => counts.ended === 1);
    assert.equal(asked, 1);
  });

  it('having closed its own side at once is ended', async (t) => {
    const { counts, body } = watched();
    const { listener } = await start(t, [streaming(body)]);
    const socket = open(listener.url, ask('GET', '/parts'));
    socket.end();
    socket.resume();
    await until('it is ended', () => counts.begun === counts.ended && counts.begun > 0);
  });
});

describe('a body whose reader takes too long', () => {
  /** A server of this one body. */
  async function serve(t: TestContext, body: () => AsyncIterable<Uint8Array>, timeoutMs: number) {
    const onTimeout = t.mock.fn();
    const server = createServer((_request, response) => {
      void sendParts(response, body(), { writeHead: () => void response.writeHead(200), timeoutMs, onTimeout });
    });
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    const url = await listen(server, { address: { host: '127.0.0.1', port: 0 }, key: 'listen.test' });
    return { url, onTimeout };
  }

  /** Waits where there is no time. */
  async function turns(condition: () => boolean): Promise<void> {
    for (let i = 0; i < 1e6 && !condition(); i++) await turn();
    assert.ok(condition());
    await turn();
  }

  it('is ended and cut off, and somebody is told', async (t) => {
    const { counts, body } = watched({ bytes: MIB });
    const { url, onTimeout } = await serve(t, body, 50);
    const socket = open(url, ask('GET', '/'));
    await until('it is ended', () => counts.ended === 1);
    assert.deepEqual([counts.begun, onTimeout.mock.callCount()], [1, 1]);
    socket.resume();
    await once(socket, 'close');
  });

  it('is told from a whole one without chunks, too', { skip: withoutReset }, async (t) => {
    const { body } = watched({ bytes: 100, waitFor: () => sleep(1) });
    const { url } = await serve(t, body, 50);
    const socket = open(url, 'GET / HTTP/1.0\r\n\r\n');
    socket.resume();
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
  });

  it('is cut off though he takes some of it now and then', async (t) => {
    const { counts, body } = watched({ bytes: 100, waitFor: () => sleep(1) });
    const { url, onTimeout } = await serve(t, body, 50);
    assert.doesNotMatch(await say(url, ask('GET', '/')), /\r\n0\r\n\r\n$/);
    await until('it is ended', () => counts.ended === 1);
    assert.equal(onTimeout.mock.callCount(), 1);
  });

  it('does not cost those after it their time: each has all of it', async (t) => {
    const { counts, body } = watched({ parts: 3 });
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { url, onTimeout } = await serve(t, body, 300);
    const socket = open(url, '').resume();
    for (let answer = 1; answer <= 3; answer++) {
      socket.write(askOn('GET', '/'));
      await turns(() => counts.ended === answer);
      t.mock.timers.tick(1_000);
    }
    t.mock.timers.reset();
    socket.write(ask('GET', '/'));
    await once(socket, 'close');
    assert.deepEqual([onTimeout.mock.callCount(), counts.ended], [0, 4]);
  });

  it('is cut off after two minutes by a listener, which counts and logs it', async (t) => {
    const { counts, body } = watched({ bytes: MIB });
    const { listener, telemetry } = await start(t, [streaming(body)]);
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const socket = open(listener.url, ask('GET', '/parts'));
    await turns(() => counts.asked > 1);
    t.mock.timers.tick(119_999);
    await turn();
    assert.deepEqual([counts.ended, telemetry.lines], [0, []]);
    t.mock.timers.tick(1);
    await turns(() => counts.ended === 1);
    t.mock.timers.reset();
    assert.deepEqual([counts.begun, counts.ended], [1, 1]);
    const attributes = { 'metergate.listener': 'metrics' };
    assert.deepEqual(
      telemetry.lines.map(({ level, message, fields }) => [level, message, fields]),
      [['warn', 'answer timed out', attributes]],
    );
    assert.equal(await telemetry.value('metergate.answers.timed_out', attributes), 1);
    socket.destroy();
  });
});
