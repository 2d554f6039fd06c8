import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { request as httpRequest, Agent, type IncomingMessage } from 'node:http';
import { test } from 'node:test';
import fc from 'fast-check';
import { protocols } from '../../../src/serving/protocols/index.ts';
import { until } from '../../support/until.ts';
import { connectTo } from './downstream.ts';
import { fileToLogTo, linesAfter } from './logged-lines.ts';
import { startProxy, upstreamAt } from './running-proxy.ts';
import { startUpstream } from './upstream-servers.ts';

/** In all that a stranger says: if it is in a line, something of what was said is. */
const SECRET = 'sEcReT';

interface Said {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string | string[]>;
  readonly body: string;
}

const secret = fc.string({ maxLength: 12 }).map((text) => `${SECRET}${text}`);
const segment = fc.oneof(
  fc.constantFrom('v2', 'v1', 'models', 'infer', 'versions', 'chat', 'completions', 'predictions', '%00', '..', ''),
  secret.map(encodeURIComponent),
);
const headerValue = fc.oneof(secret, fc.constant(SECRET)).map((text) => text.replace(/[^\x21-\x7e]/g, '~'));
const HEADERS = [
  ...['authorization', 'cookie', 'x-request-id', 'x-tenant', 'user-agent', 'traceparent', 'tracestate', 'referer'],
  ...['x-forwarded-for', 'x-forwarded-host', 'forwarded', 'via', 'accept', 'content-type', 'x-sEcReT', 'expect'],
];
const said: fc.Arbitrary<Said> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND'),
  path: fc
    .tuple(fc.array(segment, { maxLength: 6 }), fc.option(secret))
    .map(([segments, query]) => `/${segments.join('/')}${query === null ? '' : `?q=${encodeURIComponent(query)}`}`),
  headers: fc.dictionary(
    fc.constantFrom(...HEADERS),
    fc.oneof(headerValue, fc.array(headerValue, { minLength: 1, maxLength: 2 })),
  ),
  body: fc.oneof(
    secret,
    secret.map((model) => JSON.stringify({ model, prompt: SECRET })),
  ),
});

const speaking = ['open-inference', 'openai', 'auto'] as const;
for (const name of speaking) {
  test(`nothing of what a request says is in its line, where the upstream speaks ${name}`, async (t) => {
    const path = await fileToLogTo(t);
    // It knows of nothing that it is asked, and tells.
    const upstream = await startUpstream(t, (request, response) => {
      request.resume().on('end', () => response.writeHead(404, { 'x-told': SECRET }).end(SECRET));
    });
    const protocol = protocols[name]({ name: 'up', models: [], routes: [] });
    const running = await startProxy(t, [upstreamAt(upstream.url, { protocol })], { accessLog: { path } });
    const agent = new Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    let sent = 0;
    await fc.assert(
      fc.asyncProperty(said, async ({ body, ...options }) => {
        const request = httpRequest(running.url, { ...options, agent });
        request.end(body);
        sent++;
        const response = await new Promise<IncomingMessage>((resolve, reject) => {
          request.on('response', resolve).on('error', reject);
        });
        response.resume();
        await new Promise((resolve) => response.on('close', resolve));
      }),
      { numRuns: 200 },
    );
    const lines = await linesAfter(running, path);
    assert.equal(lines.length, sent);
    const text = await readFile(path, 'utf8');
    assert.doesNotMatch(text, new RegExp(SECRET, 'i'));
    const names = new Set(lines.flatMap((line) => Object.keys(line)));
    assert.deepEqual(
      [...names].filter((key) => !FIELDS.includes(key)),
      [],
    );
    assert.deepEqual(
      [...new Set(lines.map(({ model }) => model))].filter((model) => model !== undefined && model !== '_other'),
      [],
    );
  });
}
const FIELDS = [
  ...['time', 'request_id', 'trace_id', 'method', 'route', 'status', 'outcome', 'error_type', 'upstream', 'replica'],
  ...['protocol', 'model', 'version', 'duration_seconds', 'queue_seconds', 'request_bytes', 'response_bytes'],
];

/** What no client library would send. */
const rude: Record<string, string> = {
  'a target that is none': `GET ${SECRET} HTTP/1.1\r\nhost: a\r\n\r\n`,
  'a URL with a password': `GET http://${SECRET}:${SECRET}@${SECRET}/${SECRET} HTTP/1.1\r\nhost: a\r\n\r\n`,
  'a header with bytes beyond ASCII': `GET /${SECRET} HTTP/1.1\r\nhost: a\r\nx-a: \xff\xfe"${SECRET}\r\n\r\n`,
  'no host': `GET /${SECRET} HTTP/1.1\r\n\r\n`,
  'two hosts': `GET /${SECRET} HTTP/1.1\r\nhost: ${SECRET}\r\nhost: b\r\n\r\n`,
  'a trace of secrets': `GET / HTTP/1.1\r\nhost: a\r\ntraceparent: 00-${SECRET.padEnd(32, '0')}-${SECRET.padEnd(16, '1')}-01\r\n\r\n`,
  'an upgrade': `GET /${SECRET} HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-protocol: ${SECRET}\r\n\r\n`,
  trailers: `POST /${SECRET} HTTP/1.1\r\nhost: a\r\ntrailer: x-${SECRET}\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-${SECRET}: ${SECRET}\r\n\r\n`,
  'a broken chunk': `POST /${SECRET} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${SECRET}\r\n`,
};
for (const [name, request] of Object.entries(rude)) {
  test(`nothing of a request with ${name} is in its line or in the log of the gateway`, async (t) => {
    const path = await fileToLogTo(t);
    const upstream = await startUpstream(t, (asked, response) => {
      asked.resume().on('end', () => response.writeHead(404).end());
    });
    const running = await startProxy(t, [upstreamAt(upstream.url)], { accessLog: { path } });
    const downstream = await connectTo(t, running.url);
    downstream.socket.write(request, 'latin1');
    await downstream.see('HTTP/1.1 ');
    downstream.socket.end();
    await until('it is over', () => running.inFlight() === 0);
    const lines = await linesAfter(running, path);
    assert.ok(lines.length <= 1);
    assert.doesNotMatch(JSON.stringify([lines, running.telemetry.lines]), new RegExp(SECRET, 'i'));
  });
}
