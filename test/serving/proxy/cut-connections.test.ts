import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectTo } from './downstream.ts';
import { assertCounts, INFER, METADATA, startProxy, upstreamAt } from './running-proxy.ts';
import { startUpstream } from './upstream-servers.ts';

test('a body that turns out to be unreadable behind an early answer closes the connection at once', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end('ok'));
  const running = await startProxy(t, [upstreamAt(upstream.url, { pathPrefix: '/v2' })]);
  const downstream = await connectTo(t, running.url);
  downstream.write('POST /nope HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n');
  await downstream.see('"code":"no_route"}');
  downstream.write('zzzz\r\n');
  await downstream.closed;
  assert.equal(downstream.received().match(/HTTP\/1\.1 /g)?.length, 1);
  await assertCounts(running, { rejected: 1 });
});

for (const version of ['1.0', '1.1']) {
  test(`a response to HTTP/${version} that breaks before its turn leaves the one before it whole`, async (t) => {
    const upstream = await startUpstream(t, (request, response) => {
      if (request.method === 'GET') return void setTimeout(() => response.end('whole'), 200);
      response.writeHead(200, { 'content-length': 100 });
      response.write('part', () => response.destroy());
    });
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, running.url);
    const head = (method: string, path: string, more = ''): string =>
      `${method} ${path} HTTP/${version}\r\nhost: a\r\nconnection: keep-alive\r\n${more}\r\n`;
    downstream.write(head('GET', METADATA) + head('POST', INFER, 'content-length: 2\r\n') + '{}');
    await downstream.see('\r\n\r\nwhole');
    await downstream.closed;
    await assertCounts(running, { failure: 1 });
    assert.equal(downstream.received().includes('part'), false);
  });
}

test('an answer without 100 Continue lingers, also behind a request that had its own', async (t) => {
  const upstream = await startUpstream(
    t,
    (request, response) => void request.resume().on('end', () => response.end('ok')),
  );
  const running = await startProxy(t, [upstreamAt(upstream.url)], { limits: { requestBodyBytesMax: 1_000 } });
  const downstream = await connectTo(t, running.url);
  const body = 'x'.repeat(100_000);
  downstream.write(`GET ${METADATA} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n\r\n`);
  downstream.write(
    `POST ${INFER} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: ${body.length}\r\n\r\n`,
  );
  await downstream.see('"code":"request_body_too_large"}');
  for (let sent = 0; sent < body.length; sent += 10_000) {
    downstream.write(body.slice(sent, sent + 10_000));
    await sleep(5);
  }
  assert.equal(await downstream.closed, 'end');
  await assertCounts(running, { rejected: 1 });
});
