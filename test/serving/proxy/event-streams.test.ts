import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { protocols } from '../../../src/serving/protocols/index.ts';
import { until } from '../../support/until.ts';
import { connectTo, type RawConnection } from './downstream.ts';
import { assertCounts, assertHttp, startProxy, upstreamAt, type RunningProxy } from './running-proxy.ts';
import { startUpstream } from './upstream-servers.ts';

const CHAT = '/v1/chat/completions';
const PROMPT = 'once upon a time '.repeat(20);

interface Stream {
  /** What the upstream was sent. */
  readonly asked: Record<string, unknown>;
  readonly response: ServerResponse;
}

interface Serving {
  readonly running: RunningProxy;
  /** Those that the upstream has been asked for, in order. */
  readonly streams: readonly Stream[];
}

/** An upstream that streams as vLLM does, when the test says so. */
async function startServing(t: TestContext): Promise<Serving> {
  const streams: Stream[] = [];
  const upstream = await startUpstream(t, (request, response) => {
    void text(request).then((body) => {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
      response.flushHeaders();
      streams.push({ asked: JSON.parse(body) as Stream['asked'], response });
    });
  });
  const protocol = protocols.openai({ name: 'up', models: [], routes: [] });
  const running = await startProxy(t, [upstreamAt(upstream.url, { protocol, models: [{ name: 'llama' }] })]);
  return { running, streams };
}

const event = (n: number): string => `data: {"choices":[{"index":0,"delta":{"content":" word ${n}"}}]}\n\n`;
const DONE = 'data: [DONE]\n\n';

const ask = (model = 'llama', more: Record<string, unknown> = {}): string => {
  const body = JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: PROMPT }], ...more });
  return `POST ${CHAT} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
};

async function asked(t: TestContext, { running, streams }: Serving, request = ask()): Promise<RawConnection> {
  const before = streams.length;
  const downstream = await connectTo(t, running.url);
  downstream.write(request);
  await until('the upstream streams', () => streams.length > before);
  return downstream;
}

test('200 events pass as they come, each before the next is sent, and are one request of the model in the body', async (t) => {
  const serving = await startServing(t);
  const { running, streams } = serving;
  const downstream = await asked(t, serving);
  await downstream.see('\r\n\r\n');
  assert.match(downstream.received(), /^HTTP\/1\.1 200 .*content-type: text\/event-stream; charset=utf-8\r\n/is);
  for (let n = 1; n <= 200; n++) {
    streams[0]?.response.write(event(n));
    await downstream.see(event(n));
  }
  assert.equal(await running.telemetry.value('inference.active_requests', { 'inference.model.name': 'llama' }), 1);
  assert.deepEqual((await running.counts()).success, 0);
  streams[0]?.response.end(DONE);
  await downstream.see('\r\n0\r\n\r\n');

  const body = downstream.received().split('\r\n\r\n').slice(1).join('\r\n\r\n');
  const events = [...body.matchAll(/data: .*\n\n/g)].map(([found]) => found);
  assert.deepEqual(events, [...Array.from({ length: 200 }, (_, n) => event(n + 1)), DONE]);
  assert.deepEqual(streams[0]?.asked.messages, [{ role: 'user', content: PROMPT }]);
  await assertCounts(running, { success: 1 });
  const llama = { 'inference.model.name': 'llama', 'inference.outcome': 'success' };
  assert.equal(await running.telemetry.value('inference.requests', llama), 1);
  assert.equal(await running.telemetry.value('inference.request.duration', llama), 1);
  await assertHttp(running, {
    'http.request.method': 'POST',
    'http.route': CHAT,
    'http.response.status_code': 200,
    'inference.upstream.name': 'up',
  });
});

/** How a body comes in which the model is. */
const bodies: Record<string, { pieces: (request: string) => string[]; model: string; more?: Record<string, unknown> }> =
  {
    'in pieces of ten bytes': { pieces: (request) => request.match(/.{1,10}/gs) ?? [], model: 'llama' },
    'with the model cut in two': { pieces: (request) => request.split(/(?<="lla)/), model: 'llama' },
    'after its head': { pieces: (request) => request.split(/(?<=\r\n\r\n)/), model: 'llama' },
    'with 256 KiB behind the model': {
      pieces: (request) => [request],
      model: 'llama',
      more: { user: 'x'.repeat(262_144) },
    },
    'with a model of its own': { pieces: (request) => [request.replace('"llama"', '"qwen2"')], model: 'qwen2' },
  };
for (const [name, { pieces, model, more }] of Object.entries(bodies)) {
  test(`a request whose body comes ${name} is streamed to, and counted under its model`, async (t) => {
    const serving = await startServing(t);
    const { running, streams } = serving;
    const downstream = await connectTo(t, running.url);
    downstream.socket.setNoDelay(true);
    for (const piece of pieces(ask('llama', more))) {
      downstream.write(piece);
      await new Promise(setImmediate);
    }
    await until('the upstream streams', () => streams.length === 1);
    assert.deepEqual(streams[0]?.asked.model, model);
    streams[0].response.write(event(1));
    await downstream.see(event(1));
    streams[0].response.end(DONE);
    await downstream.see(DONE);
    await assertCounts(running, { success: 1 });
    assert.equal(await running.telemetry.value('inference.requests', { 'inference.model.name': model }), 1);
  });
}

test('40 streams at one time do not wait for each other', async (t) => {
  const serving = await startServing(t);
  const { running, streams } = serving;
  const downstreams = await Promise.all(
    Array.from({ length: 40 }, async (_, n) => {
      const downstream = await connectTo(t, running.url);
      downstream.write(ask('llama', { user: String(n) }));
      return downstream;
    }),
  );
  await until('all are asked for', () => streams.length === 40);
  // The last to be asked for is the first to be answered.
  for (const { asked: said, response } of streams.toReversed()) {
    const downstream = downstreams[Number(said.user)];
    response.write(event(Number(said.user)));
    await downstream?.see(event(Number(said.user)));
  }
  for (let n = 100; n < 120; n++) for (const { response } of streams) response.write(event(n));
  for (const downstream of downstreams) await downstream.see(event(119));
  for (const { response } of streams) response.end(DONE);
  await assertCounts(running, { success: 40 });
  for (const [n, downstream] of downstreams.entries())
    assert.equal(downstream.received().match(/data: \{/g)?.length, 21, String(n));
});

test('a downstream that stops reading a stream is aborted, and the upstream is told', async (t) => {
  const serving = await startServing(t);
  const { running, streams } = serving;
  const downstream = await asked(t, serving);
  streams[0]?.response.write(event(1));
  await downstream.see(event(1));
  downstream.socket.destroy();
  await assertCounts(running, { aborted: 1 });
  await until('the upstream knows', () => streams[0]?.response.destroyed === true);
});

test('a stream that the upstream breaks off is cut off, and a failure', async (t) => {
  const serving = await startServing(t);
  const { running, streams } = serving;
  const downstream = await asked(t, serving);
  streams[0]?.response.write(event(1));
  await downstream.see(event(1));
  streams[0]?.response.destroy();
  await downstream.closed;
  assert.doesNotMatch(downstream.received(), /\r\n0\r\n\r\n$/);
  await assertCounts(running, { failure: 1 });
});

test('to HTTP/1.0 a stream is a body that ends with its connection', async (t) => {
  const serving = await startServing(t);
  const { running, streams } = serving;
  const downstream = await asked(t, serving, ask().replace('HTTP/1.1', 'HTTP/1.0'));
  for (let n = 1; n <= 3; n++) {
    streams[0]?.response.write(event(n));
    await downstream.see(event(n));
  }
  streams[0]?.response.end(DONE);
  await downstream.closed;
  assert.ok(downstream.received().endsWith(`\r\n\r\n${event(1)}${event(2)}${event(3)}${DONE}`));
  await assertCounts(running, { success: 1 });
});

test('a client that reads event by event has each when it is there', async (t) => {
  const { running, streams } = await startServing(t);
  const request = httpRequest(`${running.url}${CHAT}`, { method: 'POST', agent: false });
  request.end(JSON.stringify({ stream: true, model: 'llama' }));
  const response = await new Promise<IncomingMessage>((resolve) => request.on('response', resolve));
  streams[0]?.response.write(event(0));
  let n = 0;
  for await (const part of response.setEncoding('utf8')) {
    assert.equal(part, event(n));
    if (++n === 50) break;
    streams[0]?.response.write(event(n));
  }
  assert.equal(n, 50);
  await assertCounts(running, { aborted: 1 });
});
