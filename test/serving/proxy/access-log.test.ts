import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { errorBody, type ProxyErrorCode } from '../../../src/serving/proxy/errors.ts';
import type { UpstreamOptions } from '../../../src/serving/proxy/upstreams.ts';
import { until } from '../../support/until.ts';
import { connectTo, rawPost, send } from './downstream.ts';
import { fileToLogTo, linesAfter, type LoggedLine } from './logged-lines.ts';
import { assertCounts, INFER, METADATA, startProxy, upstreamAt, type ProxyChanges } from './running-proxy.ts';
import { closedUrl, startUpstream } from './upstream-servers.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

/** Answers as its path says; `/never` not at all. */
function answerAsAsked(request: IncomingMessage, response: ServerResponse): void {
  const status = Number(/\/(\d{3})$/.exec(request.headers['x-answer'] as string)?.[1] ?? 200);
  request.resume().on('end', () => {
    if (request.headers['x-answer'] === 'never') return;
    if (request.headers['x-answer'] === 'half') return void response.write('half', () => response.destroy());
    response.writeHead(status).end('answer');
  });
}

interface Case {
  readonly request?: string;
  /** Of the headers. */
  readonly lines?: readonly string[];
  readonly leaves?: true;
  readonly upstream?: Partial<UpstreamOptions>;
  readonly unreachable?: true;
  readonly changes?: ProxyChanges;
  readonly line: LoggedLine;
}

const bytesOf = (code: ProxyErrorCode): number => errorBody(code).length;
const reached = { upstream: 'up', replica: 'HOST', protocol: 'open-inference' };
const infer = { ...reached, method: 'POST', route: '/v2/models/{model_name}/infer', model: 'iris' };
const cases: Record<string, Case> = {
  'an answer': { line: { ...infer, status: 200, outcome: 'success', request_bytes: 2, response_bytes: 6 } },
  'an answer in a trace': {
    lines: [`traceparent: 00-${TRACE}-b7ad6b7169203331-00`],
    line: { ...infer, trace_id: TRACE, status: 200, outcome: 'success', request_bytes: 2, response_bytes: 6 },
  },
  'an answer with a traceparent that is none': {
    lines: [`traceparent: 00-${TRACE}-b7ad6b7169203331`],
    line: { ...infer, status: 200, outcome: 'success', request_bytes: 2, response_bytes: 6 },
  },
  'an answer about a version': {
    request: rawPost('/v2/models/iris/versions/3/infer'),
    line: {
      ...{ ...infer, route: '/v2/models/{model_name}/versions/{model_version}/infer', version: '3' },
      ...{ status: 200, outcome: 'success', request_bytes: 2, response_bytes: 6 },
    },
  },
  'an answer 404 about a model that is not known': {
    request: rawPost('/v2/models/secret/infer'),
    lines: ['x-answer: /404'],
    line: { ...infer, model: '_other', status: 404, outcome: 'failure', request_bytes: 2, response_bytes: 6 },
  },
  'an answer 500': {
    lines: ['x-answer: /500'],
    line: { ...infer, status: 500, outcome: 'failure', request_bytes: 2, response_bytes: 6 },
  },
  'an answer that is cut off': {
    lines: ['x-answer: half'],
    line: {
      ...infer,
      ...{ status: 200, outcome: 'failure', error_type: 'upstream_closed', request_bytes: 2, response_bytes: 4 },
    },
  },
  'no connection': {
    unreachable: true,
    line: {
      ...infer,
      status: 502,
      outcome: 'failure',
      error_type: 'upstream_unreachable',
      request_bytes: 2,
      response_bytes: bytesOf('upstream_unreachable'),
    },
  },
  'a downstream that leaves': {
    lines: ['x-answer: never'],
    leaves: true,
    line: { ...infer, outcome: 'aborted', error_type: 'downstream_closed', request_bytes: 2, response_bytes: 0 },
  },
  'a limit': {
    changes: { limits: { requestsInFlightMax: 0 } },
    line: {
      ...{ ...infer, replica: undefined, status: 503, outcome: 'rejected', error_type: 'requests_in_flight' },
      ...{ request_bytes: 0, response_bytes: bytesOf('requests_in_flight') },
    },
  },
  'no route': {
    upstream: { pathPrefix: '/elsewhere' },
    line: {
      ...{ method: 'POST', route: '_other', status: 404, outcome: 'rejected', error_type: 'no_route' },
      ...{ request_bytes: 0, response_bytes: bytesOf('no_route') },
    },
  },
  'a question about a model': {
    request: `GET ${METADATA} HTTP/1.1\r\nhost: a\r\n\r\n`,
    line: {
      ...{ ...reached, method: 'GET', route: '/v2/models/{model_name}', status: 200, outcome: 'success' },
      ...{ request_bytes: 0, response_bytes: 6 },
    },
  },
  'a path that the protocol does not know': {
    request: 'GET /some/where?else HTTP/1.1\r\nhost: a\r\n\r\n',
    line: {
      ...reached,
      method: 'GET',
      route: '_other',
      status: 200,
      outcome: 'success',
      request_bytes: 0,
      response_bytes: 6,
    },
  },
  'a method that has no name': {
    request: 'PURGE /v2 HTTP/1.1\r\nhost: a\r\n\r\n',
    line: {
      ...reached,
      method: '_OTHER',
      route: '/v2',
      status: 200,
      outcome: 'success',
      request_bytes: 0,
      response_bytes: 6,
    },
  },
};
for (const [name, { request = rawPost(INFER), lines = [], leaves, unreachable, changes, ...options }] of Object.entries(
  cases,
)) {
  test(`${name} is one line`, async (t) => {
    const path = await fileToLogTo(t);
    const upstream = await startUpstream(t, answerAsAsked);
    const url = unreachable ? await closedUrl() : upstream.url;
    const models = [{ name: 'iris' }, { name: 'iris', version: '3' }];
    const running = await startProxy(t, [upstreamAt(url, { models, ...options.upstream })], {
      ...changes,
      accessLog: { path },
    });
    const downstream = await connectTo(t, running.url);
    downstream.write(request.replace('host:', [...lines, 'host:'].join('\r\n')));
    if (leaves) {
      await until('the upstream has it', () => upstream.seen.length === 1);
      downstream.socket.destroy();
    } else await downstream.see('\r\n\r\n');
    const measured = () => running.telemetry.value('http.server.request.duration');
    await until('it is over', async () => (await measured()) === 1);

    const [line = {}, ...others] = await linesAfter(running, path);
    assert.deepEqual(others, []);
    const { time, request_id: id, duration_seconds: seconds, ...rest } = line;
    const expected = { ...options.line, ...(options.line.replica === 'HOST' && { replica: new URL(url).host }) };
    assert.deepEqual(rest, JSON.parse(JSON.stringify(expected)));
    assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000 && String(time).endsWith('Z'));
    assert.match(String(id), /^[\w-]{8,64}$/);
    assert.ok(Number(seconds) > 0 && Number(seconds) < 60);
  });
}

test('the wait for a place is in the line of who waited, and only there', async (t) => {
  const path = await fileToLogTo(t);
  const answers: (() => void)[] = [];
  const upstream = await startUpstream(t, (_request, response) => answers.push(() => response.end('ok')));
  const limited = upstreamAt(upstream.url, { requestsInFlightMax: 1, queue: { sizeMax: 1, timeoutMs: 30_000 } });
  const running = await startProxy(t, [limited], { accessLog: { path } });
  const post = () => send(running.url, { method: 'POST', path: INFER });
  const first = post();
  await until('it is under way', () => answers.length === 1);
  const second = post();
  await until('it waits', async () => (await running.telemetry.value('inference.queue.size')) === 1);
  assert.equal((await post()).status, 503);
  answers[0]?.();
  await first;
  await until('it is under way', () => answers.length === 2);
  answers[1]?.();
  await second;
  await assertCounts(running, { success: 2, rejected: 1 });
  const lines = await linesAfter(running, path);
  assert.deepEqual(
    lines.map(({ error_type: error }) => error),
    ['queue_full', undefined, undefined],
  );
  assert.deepEqual(
    lines.map((line) => 'queue_seconds' in line),
    [false, false, true],
  );
});
