import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { deadlineIn, within } from '../../../src/std/deadline.ts';
import { until } from '../../support/until.ts';
import { H2C } from './asking-for-h2c.ts';
import { connectTo, rawPost } from './downstream.ts';
import { asking } from './expecting.ts';
import { assertNothingActive, INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { askForWebSocket } from './websocket-client.ts';
import { startWebSocketUpstream } from './websocket-server.ts';

const LARGE = Buffer.alloc(4 * 1024 * 1024, 'x');
const answer: RequestListener = (request, response) => {
  const over = async (): Promise<void> => {
    await buffer(request);
    if (request.url === '/never') return;
    await sleep(Math.random() * 20);
    response.end(request.url === '/large' ? LARGE : 'ok');
  };
  // A body that is given up.
  over().catch(() => {});
};

const get = (path: string, lines: readonly string[] = []): string =>
  [`GET ${path} HTTP/1.1`, 'host: a', ...lines, '', ''].join('\r\n');
const said = fc.constantFrom(
  ...[get('/v2'), get('/large'), get('/never'), get('/v2', H2C), rawPost(INFER), asking(['content-length: 5'])],
  ...[`${asking(['content-length: 5'])}hello`, `POST ${INFER} HTTP/1.1\r\nhost: a\r\ncontent-length: 500\r\n\r\nhalf`],
  `POST ${INFER} HTTP/1.1\r\nhost: a\r\ntrailer: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx: 1\r\n\r\n`,
  ...[get('/v2', ['host: b']), 'GET /v2 HT', 'GARBAGE\r\n\r\n', askForWebSocket()],
);
const connection = fc.record({ says: fc.array(said, { minLength: 1, maxLength: 4 }), reads: fc.boolean() });

test('a shutdown at any moment, with whatever under way, ends at its deadline and leaves nothing behind', async (t) => {
  const upstream = await startWebSocketUpstream(t, { greeting: 'welcome', answer });
  const connections = fc.array(connection, { minLength: 1, maxLength: 12 });
  const options = fc.record({
    afterMs: fc.integer({ min: 0, max: 40 }),
    requestsInFlightMax: fc.constantFrom(undefined, 3),
    path: fc.constantFrom(undefined, '/dev/null'),
  });
  await fc.assert(
    fc.asyncProperty(connections, options, async (all, { afterMs, requestsInFlightMax, path }) => {
      const limited = requestsInFlightMax === undefined ? {} : { requestsInFlightMax };
      const logged = path === undefined ? {} : { accessLog: { path } };
      const running = await startProxy(t, [upstreamAt(upstream.url, limited)], logged);
      const opened = all.map(async ({ says, reads }) => {
        const downstream = await connectTo(t, running.url);
        if (!reads) downstream.socket.pause();
        downstream.write(says.join(''));
        return downstream;
      });
      const downstreams = await Promise.all(opened);
      await sleep(afterMs);
      const { done } = await within(deadlineIn(10_000), running.proxy.shutdown(deadlineIn(50)));
      assert.ok(done);
      const active = () => running.telemetry.value('http.server.active_requests');
      await until('all are over', async () => (await active()) === 0 && running.inFlight() === 0);
      await assertNothingActive(running);
      for (const { socket } of downstreams) socket.destroy();
    }),
    { numRuns: 40 },
  );
});
