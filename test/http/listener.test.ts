import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createListener, type Listener } from '../../src/http/listener.ts';
import { jsonAnswer, textAnswer, type Route } from '../../src/http/routes.ts';
import { deadlineIn } from '../../src/std/deadline.ts';
import { createTestTelemetry, type TestTelemetry } from '../support/telemetry.ts';
import { until } from '../support/until.ts';

/** Longer than any test is let run: what waits for it hangs. */
const NEVER = () => deadlineIn(3_600_000);

function create(routes: readonly Route[], changes: { port?: number; connectionsMax?: number } = {}) {
  const telemetry = createTestTelemetry();
  const listener = createListener({
    name: 'metrics',
    address: { host: '127.0.0.1', port: changes.port ?? 0 },
    routes,
    connectionsMax: changes.connectionsMax ?? 20,
    events: telemetry.events,
  });
  return { listener, telemetry };
}

async function start(
  t: TestContext,
  routes: readonly Route[],
  changes = {},
): Promise<{ listener: Listener; telemetry: TestTelemetry }> {
  const created = create(routes, changes);
  await created.listener.start();
  t.after(() => created.listener.shutdown(deadlineIn(0)));
  return created;
}

/** What comes on a connection of its own until it is closed. */
async function say(listener: Listener, text: string): Promise<string> {
  const socket = connect(Number(new URL(listener.url).port), '127.0.0.1');
  let received = '';
  socket.setEncoding('utf8').on('data', (part: string) => (received += part));
  socket.write(text);
  await once(socket, 'close');
  return received;
}

const ask = (method: string, path: string, ...lines: string[]): string =>
  [`${method} ${path} HTTP/1.1`, 'host: a', 'connection: close', ...lines, '', ''].join('\r\n');

const routes: readonly Route[] = [
  { path: '/text', handle: () => textAnswer(200, 'words') },
  { path: '/json', handle: () => Promise.resolve(jsonAnswer(503, { ready: false })) },
];

const streaming = (parts: () => Iterable<string>): Route => ({
  path: '/parts',
  handle: () => ({ status: 200, contentType: 'text/plain', body: parts() }),
});

test('an answer comes with its status, its type and its body', async (t) => {
  const { listener } = await start(t, routes);
  const text = await fetch(`${listener.url}/text?a=b`);
  assert.deepEqual([text.status, text.headers.get('content-type')], [200, 'text/plain; charset=utf-8']);
  assert.equal(await text.text(), 'words\n');
  const json = await fetch(`${listener.url}/json`);
  assert.deepEqual([json.status, json.headers.get('content-type')], [503, 'application/json; charset=utf-8']);
  assert.deepEqual(await json.json(), { ready: false });
});

test('HEAD is answered as GET, without the body', async (t) => {
  const { listener } = await start(t, routes);
  const received = await say(listener, ask('HEAD', '/text'));
  assert.match(received, /^HTTP\/1.1 200 OK\r\n.*content-length: 6\r\n.*\r\n\r\n$/s);
});

for (const method of ['GET', 'HEAD', 'POST', 'PROPFIND']) {
  test(`${method} of a path that is not there is a 404 that names it without its query`, async (t) => {
    const { listener } = await start(t, routes);
    const received = await say(listener, ask(method, '/text/more?token=secret'));
    assert.match(received, /^HTTP\/1.1 404 /);
    if (method !== 'HEAD') assert.match(received, /\{"error":"no such path: \/text\/more"\}$/);
    assert.doesNotMatch(received, /secret/);
  });
}

const bodies: Record<string, string> = {
  'without a body': '',
  'with JSON': 'content-type: application/json\r\ncontent-length: 2\r\n\r\n{}',
  'with bad JSON': 'content-type: application/json\r\ncontent-length: 4\r\n\r\n{bad',
  'with a type that nobody knows': 'content-type: text/xml\r\ncontent-length: 4\r\n\r\n<a/>',
  'with a body that is too large': `content-type: application/json\r\ncontent-length: 5000\r\n\r\n${'1'.repeat(5_000)}`,
};
for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY']) {
  for (const [name, body] of Object.entries(bodies)) {
    test(`${method} ${name} is a 405 that says what is allowed`, async (t) => {
      const handled: string[] = [];
      const { listener } = await start(t, [
        { path: '/text', handle: () => (handled.push(method), textAnswer(200, 'words')) },
      ]);
      const head = `${method} /text?a=b HTTP/1.1\r\nhost: a\r\nconnection: close\r\n`;
      const received = await say(listener, body === '' ? `${head}\r\n` : head + body);
      assert.match(received, /^HTTP\/1.1 405 .*\r\nallow: GET, HEAD\r\n/s);
      assert.deepEqual(handled, []);
    });
  }
}

test('parts that a generator gives arrive together, in their order', async (t) => {
  const { listener } = await start(t, [
    streaming(function* () {
      for (let n = 0; n < 1_000; n++) yield `line ${n} é\n`;
    }),
  ]);
  const answer = await fetch(`${listener.url}/parts`);
  assert.equal(answer.headers.get('content-type'), 'text/plain');
  assert.equal(await answer.text(), Array.from({ length: 1_000 }, (_, n) => `line ${n} é\n`).join(''));
});

test('others have their turn between two parts', async (t) => {
  let turns = 0;
  let ticking = setImmediate(function tick() {
    turns++;
    ticking = setImmediate(tick);
  });
  t.after(() => clearImmediate(ticking));
  const turnsAt: number[] = [];
  const { listener } = await start(t, [
    streaming(function* () {
      for (let n = 0; n < 100; n++) {
        turnsAt.push(turns);
        yield 'a short part';
      }
    }),
  ]);
  await (await fetch(`${listener.url}/parts`)).text();
  assert.equal(new Set(turnsAt).size, 100);
});

test('a generator is ended when its reader leaves, and not begun for HEAD', async (t) => {
  let begun = 0;
  let ended = 0;
  const { listener } = await start(t, [
    streaming(function* () {
      begun++;
      try {
        for (;;) yield 'x'.repeat(1_000);
      } finally {
        ended++;
      }
    }),
  ]);
  const socket = connect(Number(new URL(listener.url).port), '127.0.0.1');
  socket.write(ask('GET', '/parts'));
  await once(socket, 'data');
  socket.destroy();
  await until('the generator is ended', () => ended === 1);
  const head = await say(listener, ask('HEAD', '/parts'));
  assert.match(head, /^HTTP\/1.1 200 .*\r\ncontent-type: text\/plain\r\n.*\r\n\r\n$/s);
  assert.doesNotMatch(head, /content-length/i);
  assert.equal(begun, 1);
});

test('a part that fails cuts the answer off, and the next is whole', async (t) => {
  const { listener } = await start(t, [
    ...routes,
    streaming(function* () {
      yield 'part';
      throw new Error('of the generator');
    }),
  ]);
  await assert.rejects(fetch(`${listener.url}/parts`).then((answer) => answer.text()));
  assert.equal((await fetch(`${listener.url}/text`)).status, 200);
});

test('a handler that throws is a 500, and the next is answered', async (t) => {
  const { listener } = await start(t, [...routes, { path: '/throws', handle: () => Promise.reject(new Error('no')) }]);
  const failed = await fetch(`${listener.url}/throws`);
  assert.deepEqual([failed.status, await failed.json()], [500, { error: 'the page could not be made' }]);
  assert.equal((await fetch(`${listener.url}/text`)).status, 200);
});

test('a path that cannot be decoded is a 400', async (t) => {
  const { listener } = await start(t, routes);
  assert.match(await say(listener, ask('GET', '/%zz')), /^HTTP\/1.1 400 /);
});

test('connections beyond the limit are closed and counted under the name of the listener', async (t) => {
  const { listener, telemetry } = await start(t, routes, { connectionsMax: 1 });
  const first = connect(Number(new URL(listener.url).port), '127.0.0.1');
  await once(first, 'connect');
  for (let n = 0; n < 2; n++) assert.equal(await say(listener, '').catch(() => ''), '');
  const rejected = { 'metergate.listener': 'metrics' };
  await until(
    'both are counted',
    async () => (await telemetry.value('metergate.connections.rejected', rejected)) === 2,
  );
  first.destroy();
  await once(first, 'close');
  await until('the next is served', async () =>
    (await say(listener, ask('GET', '/text')).catch(() => '')).includes('words'),
  );
});

test('it is ready from its start to its shutdown, and says where', async () => {
  const { listener } = create(routes);
  assert.deepEqual([listener.name, listener.ready(), listener.status()], ['metrics', false, { url: '' }]);
  await listener.start();
  assert.match(listener.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.deepEqual([listener.ready(), listener.status()], [true, { url: listener.url }]);
  await listener.shutdown(NEVER());
  assert.equal(listener.ready(), false);
  await assert.rejects(fetch(`${listener.url}/text`));
});

test('a shutdown without a start, and a second one, do nothing', async () => {
  const { listener } = create(routes);
  await listener.shutdown(NEVER());
  await listener.shutdown(NEVER());
  const { listener: started } = create(routes);
  await started.start();
  await Promise.all([started.shutdown(NEVER()), started.shutdown(NEVER())]);
});

test('a shutdown lets the answer in flight finish and closes kept connections, this one too', async () => {
  let finish: (() => void) | undefined;
  const { listener } = create([
    ...routes,
    { path: '/slow', handle: () => new Promise((resolve) => (finish = () => resolve(textAnswer(200, 'slow')))) },
  ]);
  await listener.start();
  const kept = `GET /text HTTP/1.1\r\nhost: a\r\n\r\n`;
  const idle = say(listener, kept);
  const slow = say(listener, kept.replace('/text', '/slow'));
  await until('it is in flight', () => finish !== undefined);
  const shutdown = listener.shutdown(NEVER());
  assert.match(await idle, /words/);
  finish?.();
  await shutdown;
  assert.match(await slow, /slow\n$/);
});

test('at its deadline a shutdown closes what is left', async () => {
  let asked = false;
  const { listener } = create([{ path: '/hangs', handle: () => ((asked = true), new Promise(() => {})) }]);
  await listener.start();
  const hanging = say(listener, ask('GET', '/hangs'));
  await until('it is in flight', () => asked);
  await listener.shutdown(deadlineIn(20));
  assert.equal(await hanging, '');
});

test('a port in use aborts the start, and the error names the key and the address', async (t) => {
  const { listener } = await start(t, routes);
  const { host, port } = new URL(listener.url);
  const { listener: second } = create(routes, { port: Number(port) });
  await assert.rejects(second.start(), { message: `listen.metrics: ${host} is in use by another program` });
  await second.shutdown(NEVER());
});

test('a malformed path is a 400 in the same shape as every other error', async (t) => {
  const { listener } = await start(t, routes);
  const response = await fetch(`${listener.url}/%zz`);
  assert.deepEqual([response.status, await response.json()], [400, { error: 'the path is malformed' }]);
});
