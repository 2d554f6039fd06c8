import assert from 'node:assert/strict';
import { test } from 'node:test';
import { protocols } from '../../../src/serving/protocols/index.ts';
import { deadlineIn } from '../../../src/std/deadline.ts';
import { until } from '../../support/until.ts';
import { connectTo, rawPost, send } from './downstream.ts';
import { fileToLogTo, linesAfter } from './logged-lines.ts';
import { assertCounts, INFER, METADATA, startProxy, upstreamAt } from './running-proxy.ts';
import { startUpstream } from './upstream-servers.ts';
import { askForWebSocket, openWebSocket } from './websocket-client.ts';
import { startWebSocketUpstream } from './websocket-server.ts';

test('without it no request has an id, and nothing is written', async (t) => {
  const ids: unknown[] = [];
  const upstream = await startUpstream(t, (request, response) => {
    ids.push(request.headers['x-request-id']);
    response.end('ok');
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  await send(running.url, { path: METADATA });
  await send(running.url, { path: METADATA, headers: { 'x-request-id': 'theirs' } });
  assert.deepEqual(ids, [undefined, 'theirs']);
});

test('the upstream is told the id of the line, unless the request brought one, which stays what it is', async (t) => {
  const path = await fileToLogTo(t);
  const ids: unknown[] = [];
  const upstream = await startUpstream(t, (request, response) => {
    ids.push(request.headers['x-request-id']);
    response.end('ok');
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)], { accessLog: { path } });
  for (let n = 0; n < 50; n++) await send(running.url, { path: METADATA });
  await send(running.url, { path: METADATA, headers: { 'X-Request-ID': 'theirs, "quoted"' } });
  await send(running.url, { method: 'POST', path: INFER, headers: { expect: '100-continue' }, body: '{}' });
  const lines = await linesAfter(running, path);
  const logged = lines.map(({ request_id: id }) => id);
  assert.equal(new Set(logged).size, 52);
  assert.deepEqual(ids, [...logged.slice(0, 50), 'theirs, "quoted"', logged[51]]);
  assert.doesNotMatch(JSON.stringify(lines), /theirs/);
});

test('two gateways have no id in common', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end('ok'));
  const ids: unknown[] = [];
  for (let gateway = 0; gateway < 2; gateway++) {
    const path = await fileToLogTo(t);
    const running = await startProxy(t, [upstreamAt(upstream.url)], { accessLog: { path } });
    for (let n = 0; n < 10; n++) await send(running.url, { path: METADATA });
    ids.push(...(await linesAfter(running, path)).map(({ request_id: id }) => id));
  }
  assert.equal(new Set(ids).size, 20);
});

test('1,000 requests that end in all ways are as many lines as are counted, of each outcome', async (t) => {
  const path = await fileToLogTo(t);
  const upstream = await startUpstream(t, (request, response) => {
    request.resume();
    const fate = request.headers['x-fate'];
    if (fate === 'failure') response.writeHead(500).end();
    else if (fate === 'cut') request.socket.destroy();
    else if (fate === 'success') response.end('ok');
  });
  const running = await startProxy(t, [upstreamAt(upstream.url, { pathPrefix: '/up' })], { accessLog: { path } });
  const fates = ['success', 'failure', 'cut', 'aborted', 'rejected'];
  const meet = async (fate: string): Promise<void> => {
    const request = rawPost(fate === 'rejected' ? INFER : `/up${INFER}`).replace('host:', `x-fate: ${fate}\r\nhost:`);
    const downstream = await connectTo(t, running.url);
    const before = upstream.seen.length;
    downstream.write(request);
    if (fate === 'aborted') await until('it is under way', () => upstream.seen.length > before);
    else await downstream.see('\r\n\r\n');
    downstream.socket.destroy();
  };
  for (let n = 0; n < 1_000; n += 25) await Promise.all(Array.from({ length: 25 }, (_, m) => meet(fates[m % 5] ?? '')));
  // One that leaves just as another is seen may have left before its own was.
  await until(
    'all are over',
    async () => running.inFlight() === 0 && (await running.telemetry.value('http.server.active_requests')) === 0,
  );
  const lines = await linesAfter(running, path);
  const counts = await running.counts();
  for (const [outcome, count] of Object.entries(counts))
    assert.equal(lines.filter((line) => line.outcome === outcome).length, count, outcome);
  assert.ok(lines.length > 950 && lines.length <= 1_000, String(lines.length));
});

test('a WebSocket is a line when it is closed', async (t) => {
  const path = await fileToLogTo(t);
  const upstream = await startWebSocketUpstream(t);
  const protocol = protocols.torchserve({ name: 'up', models: [], routes: [] });
  const running = await startProxy(t, [upstreamAt(upstream.url, { protocol })], { accessLog: { path } });
  const { socket, closed } = await openWebSocket(t, `${running.url}/predictions/iris`);
  socket.close();
  await closed;
  await assertCounts(running, { success: 1 });
  const [line, ...others] = await linesAfter(running, path);
  assert.deepEqual(others, []);
  assert.partialDeepStrictEqual(line, {
    method: 'GET',
    route: '/predictions/{model_name}',
    status: 101,
    outcome: 'success',
    model: 'iris',
  });
});

test('what a shutdown cuts off has its lines, too', async (t) => {
  const path = await fileToLogTo(t);
  const upstream = await startWebSocketUpstream(t, { greeting: 'welcome', answer: () => {} });
  const running = await startProxy(t, [upstreamAt(upstream.url)], { accessLog: { path } });
  const downstreams = await Promise.all(
    [rawPost(INFER), askForWebSocket()].map(async (request) => {
      const downstream = await connectTo(t, running.url);
      downstream.write(request);
      return downstream;
    }),
  );
  await downstreams[1]?.see('welcome');
  await until('both are in flight', () => running.inFlight() === 2);
  await running.proxy.shutdown(deadlineIn(50));
  const lines = await linesAfter(running, path);
  assert.deepEqual(lines.map(({ status, outcome, error_type: error }) => [status, outcome, error]).sort(), [
    [101, 'failure', 'shutdown'],
    [504, 'failure', 'shutdown'],
  ]);
});

test('requests that share a connection at a shutdown have a line each, answered or not', async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    request.resume();
    setTimeout(() => response.end('ok'), Math.random() * 20);
  });
  for (let round = 0; round < 15; round++) {
    const path = await fileToLogTo(t);
    const running = await startProxy(t, [upstreamAt(upstream.url)], { accessLog: { path } });
    const downstream = await connectTo(t, running.url);
    if (round % 2 === 0) downstream.socket.pause();
    const before = upstream.seen.length;
    downstream.write(rawPost(INFER).repeat(3));
    await until('one is under way', () => upstream.seen.length > before);
    await running.proxy.shutdown(deadlineIn(round * 2));
    const lines = await linesAfter(running, path);
    const counts = Object.values(await running.counts()).reduce((sum, count) => sum + count, 0);
    assert.equal(lines.length, counts);
    downstream.socket.destroy();
  }
});
