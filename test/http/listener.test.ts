import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { jsonAnswer, textAnswer, type Answer, type Route, type RouteRequest } from '../../src/http/routes.ts';
import { deadlineIn } from '../../src/std/deadline.ts';
import { until } from '../support/until.ts';
import { ask, say } from './raw.ts';
import { create, start } from './running-listener.ts';

/** Longer than any test is let run: what waits for it hangs. */
const NEVER = () => deadlineIn(3_600_000);

const routes: readonly Route[] = [
  { path: '/text', handle: () => textAnswer(200, 'words') },
  { path: '/json', handle: () => Promise.resolve(jsonAnswer(503, { ready: false })) },
];

test('an answer comes with its status, its type and its body', async (t) => {
  const { listener } = await start(t, routes);
  const text = await fetch(`${listener.url}/text?a=b`);
  assert.deepEqual([text.status, text.headers.get('content-type')], [200, 'text/plain; charset=utf-8']);
  assert.equal(await text.text(), 'words\n');
  const json = await fetch(`${listener.url}/json`);
  assert.deepEqual([json.status, json.headers.get('content-type')], [503, 'application/json; charset=utf-8']);
  assert.deepEqual(await json.json(), { ready: false });
});

test('an answer has the headers that its handler gives it', async (t) => {
  const headers = { 'retry-after': '1', vary: 'accept' };
  const { listener } = await start(t, [{ path: '/', handle: () => ({ ...textAnswer(503, 'later'), headers }) }]);
  const answer = await fetch(listener.url);
  assert.deepEqual([answer.status, await answer.text()], [503, 'later\n']);
  assert.deepEqual([answer.headers.get('retry-after'), answer.headers.get('vary')], ['1', 'accept']);
});

test('a handler is told the method, what stands behind the question mark as it came, and the headers', async (t) => {
  const requests: RouteRequest[] = [];
  const handle = (request: RouteRequest): Answer => (requests.push(request), textAnswer(200, 'words'));
  const { listener } = await start(t, [{ path: '/text', handle }]);
  await say(listener.url, ask('GET', '/text?a%5B%5D=b&a[]=c?d', 'Accept: x', 'accept: y;q=0.1', 'X-Mine: z'));
  await say(listener.url, ask('HEAD', '/text?'));
  await say(listener.url, ask('GET', '/text'));
  const [first, second, third] = requests;
  assert.deepEqual([first?.method, first?.query], ['GET', 'a%5B%5D=b&a[]=c?d']);
  assert.deepEqual([first?.headers.accept, first?.headers['x-mine']], ['x, y;q=0.1', 'z']);
  assert.deepEqual([second?.method, second?.query, third?.query], ['HEAD', '', '']);
});

test('HEAD is answered as GET, without the body', async (t) => {
  const { listener } = await start(t, routes);
  const received = await say(listener.url, ask('HEAD', '/text'));
  assert.match(received, /^HTTP\/1.1 200 OK\r\n.*content-length: 6\r\n.*\r\n\r\n$/s);
});

for (const method of ['GET', 'HEAD', 'POST', 'PROPFIND']) {
  test(`${method} of a path that is not there is a 404 that names it without its query`, async (t) => {
    const { listener } = await start(t, routes);
    const received = await say(listener.url, ask(method, '/text/more?token=secret'));
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
      const received = await say(listener.url, body === '' ? `${head}\r\n` : head + body);
      assert.match(received, /^HTTP\/1.1 405 .*\r\nallow: GET, HEAD\r\n/s);
      assert.deepEqual(handled, []);
    });
  }
}

for (const [name, body] of Object.entries({
  ...bodies,
  'with a type that is none': 'content-type: ;;\r\ncontent-length: 4\r\n\r\n<a/>',
  'with a body without a type': 'content-length: 2\r\n\r\n{}',
  'with a body in chunks': 'transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
})) {
  test(`POST ${name} of a path that is for it is answered, whatever it brings`, async (t) => {
    const requests: RouteRequest[] = [];
    const handle = (request: RouteRequest): Answer => (requests.push(request), jsonAnswer(200, { done: true }));
    const { listener } = await start(t, [{ path: '/do', method: 'POST', handle }]);
    const head = 'POST /do?a=b HTTP/1.1\r\nhost: a\r\nconnection: close\r\n';
    const received = await say(listener.url, body === '' ? `${head}\r\n` : head + body);
    assert.match(received, /^HTTP\/1.1 200 .*content-type: application\/json.*\{"done":true\}\n$/s);
    assert.deepEqual(
      requests.map(({ method, query }) => [method, query]),
      [['POST', 'a=b']],
    );
  });
}

for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']) {
  test(`${method} of a path that is for POST is a 405 that says so, and nothing is done`, async (t) => {
    const handle = (): Answer => assert.fail('it is not to be called');
    const { listener } = await start(t, [{ path: '/do', method: 'POST', handle }, ...routes]);
    const received = await say(listener.url, ask(method, '/do'));
    assert.match(received, /^HTTP\/1.1 405 .*\r\nallow: POST\r\n/s);
    if (method !== 'HEAD') assert.match(received, /\{"error":"only POST is allowed here"\}$/);
  });
}

test('a POST that fails is a 500, and the next request on its connection is answered', async (t) => {
  const handle = (): Promise<Answer> => Promise.reject(new Error('no'));
  const { listener } = await start(t, [{ path: '/do', method: 'POST', handle }, ...routes]);
  const post = 'POST /do HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n<a/>';
  const received = await say(listener.url, post + ask('GET', '/text'));
  assert.match(received, /^HTTP\/1.1 500 .*HTTP\/1.1 200 OK.*words\n$/s);
});

test('a handler that throws is a 500, and the next is answered', async (t) => {
  const { listener } = await start(t, [...routes, { path: '/throws', handle: () => Promise.reject(new Error('no')) }]);
  const failed = await fetch(`${listener.url}/throws`);
  assert.deepEqual([failed.status, await failed.json()], [500, { error: 'the page could not be made' }]);
  assert.equal((await fetch(`${listener.url}/text`)).status, 200);
});

test('a path that cannot be decoded is a 400', async (t) => {
  const { listener } = await start(t, routes);
  assert.match(await say(listener.url, ask('GET', '/%zz')), /^HTTP\/1.1 400 /);
});

test('connections beyond the limit are closed and counted under the name of the listener', async (t) => {
  const { listener, telemetry } = await start(t, routes, { connectionsMax: 1 });
  const first = connect(Number(new URL(listener.url).port), '127.0.0.1');
  await once(first, 'connect');
  for (let n = 0; n < 2; n++) assert.equal(await say(listener.url, '').catch(() => ''), '');
  const rejected = { 'metergate.listener': 'metrics' };
  await until(
    'both are counted',
    async () => (await telemetry.value('metergate.connections.rejected', rejected)) === 2,
  );
  first.destroy();
  await once(first, 'close');
  await until('the next is served', async () =>
    (await say(listener.url, ask('GET', '/text')).catch(() => '')).includes('words'),
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
  const idle = say(listener.url, kept);
  const slow = say(listener.url, kept.replace('/text', '/slow'));
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
  const hanging = say(listener.url, ask('GET', '/hangs'));
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
