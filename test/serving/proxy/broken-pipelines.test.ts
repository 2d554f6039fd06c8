import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../support/until.ts';
import { H2C } from './asking-for-h2c.ts';
import { connectTo, rawPost } from './downstream.ts';
import { asking } from './expecting.ts';
import { readResponses } from './response-reader.ts';
import { assertNothingActive, INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { startUpstream } from './upstream-servers.ts';
import { askForWebSocket } from './websocket-client.ts';

// The first of three requests on a connection is still waiting when the answer to the second breaks off. That one has no answer any more,
// so whatever the third one is answered would be taken for it.

const get = (path: string, lines: readonly string[] = []): string =>
  [`GET ${path} HTTP/1.1`, 'host: a', ...lines, '', ''].join('\r\n');

const behind: Record<string, string> = {
  'a request': get('/next'),
  'a request with a body': rawPost(INFER),
  'a request for h2c': get('/next', H2C),
  'a request for a WebSocket': askForWebSocket(),
  'a request that expects a 100': `${asking(['content-length: 4'])}body`,
  'a CONNECT': 'CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n',
  'a request that cannot be read': 'GARBAGE\r\n\r\n',
  'a request with two hosts': get('/next', ['host: b']),
  'a head that is too large': get('/next', [`x-a: ${'x'.repeat(20_000)}`]),
  'two of each': get('/next', H2C) + askForWebSocket() + get('/next') + askForWebSocket(),
};
for (const [name, last] of Object.entries(behind)) {
  for (const together of [true, false]) {
    test(`${name} behind an answer that breaks is not answered${together ? '' : ', though it comes later'}, and the one before is whole`, async (t) => {
      let answerFirst: (() => void) | undefined;
      const upstream = await startUpstream(t, (request, response) => {
        request.resume();
        if (request.url === '/slow') answerFirst = () => response.end('slow');
        else if (request.url === '/broken') response.write('half', () => response.destroy());
        else response.end('next');
      });
      const running = await startProxy(t, [upstreamAt(upstream.url)]);
      const downstream = await connectTo(t, running.url);
      const first = get('/slow') + get('/broken');
      downstream.write(together ? first + last : first);
      await until('the upstream is asked', () => upstream.seen.length >= 2 && answerFirst !== undefined);
      await sleep(50);
      if (!together) downstream.write(last);
      await sleep(50);
      assert.equal(downstream.received(), '');
      answerFirst?.();
      await downstream.closed;
      const { responses, rest } = readResponses(downstream.received());
      assert.deepEqual([responses.map(({ status, body }) => [status, body]), rest], [[[200, 'slow']], '']);
      await until('all are over', () => running.inFlight() === 0);
      await assertNothingActive(running);
    });
  }
}
