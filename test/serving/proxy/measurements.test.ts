import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Protocol } from '../../../src/serving/protocols/protocol.ts';
import type { Instruments } from '../../../src/telemetry/instruments.ts';
import { createTestTelemetry } from '../../support/telemetry.ts';
import { until } from '../../support/until.ts';
import { connectTo, send } from './downstream.ts';
import { assertCounts, assertHttp, assertNothingActive, INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { startUpstream } from './upstream-servers.ts';

const ERRORS = 'metergate.serving.measurement.errors';

test('requests that ask for no prediction are measured as HTTP only', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end('{}'));
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write('GET /v2/models/iris/ready HTTP/1.1\r\nhost: a\r\n\r\n');
  await downstream.see('{}');
  await assertCounts(running, {});
  await until('it is measured', async () => (await running.telemetry.value('http.server.request.duration')) === 1);
  await assertHttp(running, {
    'http.request.method': 'GET',
    'http.route': '/v2/models/{model_name}/ready',
    'http.response.status_code': 200,
    'inference.upstream.name': 'up',
  });
  await assertNothingActive(running);
});

test('in flight, a request is one active HTTP and one active inference request, at its end none', async (t) => {
  const waiting: (() => void)[] = [];
  const upstream = await startUpstream(t, (request, response) => {
    request.resume();
    waiting.push(() => response.end('ok'));
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const { value } = running.telemetry;
  const requests = [1, 2, 3].map(() => send(running.url, { method: 'POST', path: INFER, body: '{}' }));
  await until('they are in flight', () => waiting.length === 3);
  assert.equal(await value('http.server.active_requests', { 'http.request.method': 'POST', 'url.scheme': 'http' }), 3);
  assert.equal(await value('inference.active_requests', { 'inference.model.name': 'iris' }), 3);
  assert.equal(running.inFlight(), 3);
  for (const answer of waiting) answer();
  await Promise.all(requests);
  await assertCounts(running, { success: 3 });
});

test('methods that the conventions do not know are _OTHER', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end('ok'));
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  for (const method of ['PROPFIND', 'MKCOL']) await send(running.url, { method, path: '/v2' });
  const other = { 'http.request.method': '_OTHER', 'http.route': '/v2' };
  await until(
    'both are measured',
    async () => (await running.telemetry.value('http.server.request.duration', other)) === 2,
  );
  await assertNothingActive(running);
});

test('every series of an upstream carries its labels and its protocol', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end('ok'));
  const labels = { 'inference.service.name': 'flowers', 'inference.service.version': '3' };
  const running = await startProxy(t, [upstreamAt(upstream.url, { labels })]);
  await send(running.url, { method: 'POST', path: INFER, body: '{}' });
  await assertCounts(running, { success: 1 });
  const all = { ...labels, 'inference.protocol': 'open-inference', 'inference.upstream.name': 'up' };
  for (const name of ['inference.requests', 'inference.request.duration', 'inference.active_requests'] as const) {
    const ofUpstream = (await running.telemetry.series(name)).filter(
      ({ attributes }) => 'inference.protocol' in attributes,
    );
    assert.ok(ofUpstream.length > 0);
    assert.equal((await running.telemetry.series(name, all)).length, ofUpstream.length);
  }
});

test('a protocol that throws fails no request and is counted', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end('ok'));
  const protocol: Protocol = {
    name: 'broken',
    routes: [{ template: '/', inference: true }],
    recognise: () => {
      throw new Error('of the protocol');
    },
  };
  const running = await startProxy(t, [upstreamAt(upstream.url, { protocol })]);
  for (let n = 0; n < 3; n++) {
    const { status, body } = await send(running.url, { method: 'POST', path: INFER, body: '{}' });
    assert.deepEqual([status, body.toString()], [200, 'ok']);
  }
  await until('they are measured', async () => (await running.telemetry.value('http.server.request.duration')) === 3);
  assert.equal(await running.telemetry.value(ERRORS), 3);
  assert.deepEqual(
    running.telemetry.lines.map(({ level, message }) => `${level} ${message}`),
    ['error measurement failed'],
  );
  await assertNothingActive(running);
});

test('instruments that throw fail no request and are counted', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end('ok'));
  const telemetry = createTestTelemetry();
  let broken = false;
  const fail = (): void => {
    if (broken) throw new Error('of the instrument');
  };
  const instruments: Instruments = {
    ...telemetry.instruments,
    counter: () => ({ add: fail, bind: () => ({ add: fail }), remove: () => false }),
    histogram: () => ({ record: fail, bind: () => ({ record: fail }), remove: () => false }),
  };
  const running = await startProxy(t, [upstreamAt(upstream.url)], { instruments, events: telemetry.events });
  broken = true;
  const requests = Array.from({ length: 20 }, () => send(running.url, { method: 'POST', path: INFER, body: '{}' }));
  for (const { status, body } of await Promise.all(requests)) assert.deepEqual([status, body.toString()], [200, 'ok']);
  const malformed = await connectTo(t, running.url);
  malformed.write('no HTTP\r\n\r\n');
  await malformed.closed;
  assert.match(malformed.received(), /^HTTP\/1.1 400 /);
  await until('nothing is in flight', () => running.inFlight() === 0);
  assert.ok((await telemetry.value(ERRORS)) >= 20);
});
