import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, test, type TestContext } from 'node:test';
import type { Outcome } from '../../../src/serving/proxy/outcome.ts';
import { until } from '../../support/until.ts';
import { connectTo, send, type RawConnection } from './downstream.ts';
import { limited, numberedPost, queueDuration, sendNumbered, waiting } from './held-upstream.ts';
import { REFUSING } from './replica-servers.ts';
import { assertCounts, INFER, startProxy, type RunningProxy } from './running-proxy.ts';
import { startStuckUpstream, startUpstream } from './upstream-servers.ts';

interface First {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly downstream: RawConnection;
}

interface Ending {
  /** What the first request is; a whole one if it is not given. */
  readonly says?: string;
  readonly ends: (first: First) => unknown;
  readonly outcome: Outcome;
  readonly timeouts?: Partial<{ responseHeadersMs: number; idleMs: number }>;
}

const BODY_BYTES_MAX = 100_000;
const head = (...lines: string[]): string =>
  [`POST ${INFER} HTTP/1.1`, 'host: a', 'x-n: 1', ...lines, '', ''].join('\r\n');
const HALF = `${head('content-length: 100')}half`;
const CHUNKED = `${head('transfer-encoding: chunked')}4\r\nhalf\r\n`;
const part = async ({ response, downstream }: First): Promise<void> => {
  response.write('part');
  await downstream.see('part');
};

const endings: Record<string, Ending> = {
  'is answered': { ends: ({ response }) => response.end('ok'), outcome: 'success' },
  'is answered without a body': { ends: ({ response }) => response.writeHead(204).end(), outcome: 'success' },
  'is answered 500': { ends: ({ response }) => response.writeHead(500).end('no'), outcome: 'failure' },
  'is answered before its body is whole': {
    says: HALF,
    ends: ({ response }) => response.writeHead(400).end('no'),
    outcome: 'failure',
  },
  'loses its upstream before the head': { ends: ({ request }) => request.socket.destroy(), outcome: 'failure' },
  'is reset by its upstream': { ends: ({ request }) => request.socket.resetAndDestroy(), outcome: 'failure' },
  'loses its upstream within the response': {
    ends: async (first) => {
      await part(first);
      first.request.socket.destroy();
    },
    outcome: 'failure',
  },
  'loses its upstream within the request': {
    says: HALF,
    ends: ({ request }) => request.socket.destroy(),
    outcome: 'failure',
  },
  'gets garbage': { ends: ({ request }) => request.socket.write('garbage\r\n\r\n'), outcome: 'failure' },
  'gets a coding that cannot be passed on': {
    ends: ({ request }) => request.socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n'),
    outcome: 'failure',
  },
  'gets no answer in time': { ends: () => {}, outcome: 'failure', timeouts: { responseHeadersMs: 1_000 } },
  'gets no more of the response': { ends: part, outcome: 'failure', timeouts: { idleMs: 1_000 } },
  'is left while it waits for the head': {
    ends: ({ downstream }) => downstream.socket.resetAndDestroy(),
    outcome: 'aborted',
  },
  'is left within the response': {
    ends: async (first) => {
      await part(first);
      first.downstream.socket.resetAndDestroy();
    },
    outcome: 'aborted',
  },
  'is left within its body': {
    says: HALF,
    ends: ({ downstream }) => downstream.socket.resetAndDestroy(),
    outcome: 'aborted',
  },
  'is left within its chunks': {
    says: CHUNKED,
    ends: ({ downstream }) => downstream.socket.resetAndDestroy(),
    outcome: 'aborted',
  },
  'has chunks that cannot be read': {
    says: CHUNKED,
    ends: ({ downstream }) => downstream.write('no length\r\n'),
    outcome: 'aborted',
  },
  'has a body that stalls': { says: HALF, ends: () => {}, outcome: 'aborted', timeouts: { idleMs: 1_000 } },
  'has a body that is too large': {
    says: CHUNKED,
    ends: ({ downstream }) => downstream.write(`${BODY_BYTES_MAX.toString(16)}\r\n${'x'.repeat(BODY_BYTES_MAX)}\r\n`),
    outcome: 'rejected',
  },
  'is not read by its downstream': {
    ends: ({ response, downstream }) => {
      downstream.socket.pause();
      response.end(Buffer.alloc(64 * 1024 * 1024));
    },
    outcome: 'aborted',
    timeouts: { idleMs: 1_000 },
  },
  'waits for the word to go on, and gets another': {
    says: head('content-length: 100', 'expect: 100-continue'),
    ends: ({ response }) => response.writeHead(417).end(),
    outcome: 'failure',
  },
  'waits for the word to go on, and is left': {
    says: head('content-length: 100', 'expect: 100-continue'),
    ends: ({ downstream }) => downstream.socket.resetAndDestroy(),
    outcome: 'aborted',
  },
};

/** An upstream that leaves the first request to the test and answers all others. */
async function startProxyWithFirst(t: TestContext, timeouts: Ending['timeouts'] = {}) {
  let first: Omit<First, 'downstream'> | undefined;
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    request.on('error', () => {}).resume();
    if (request.headers['x-n'] === '1') first = { request, response };
    else response.end('ok');
  };
  const { url } = await startUpstream(t, listener);
  const all = { connectMs: 5_000, responseHeadersMs: 30_000, idleMs: 30_000, ...timeouts };
  const limits = { requestBodyBytesMax: BODY_BYTES_MAX };
  const running = await startProxy(t, [limited(url, { inFlight: 1 }, { timeouts: all })], { limits });
  return { running, first: () => first };
}

async function assertPlaceIsFree(running: RunningProxy): Promise<void> {
  const [status] = running.proxy.status().upstreams as [
    { requestsWaiting: number; replicas: [{ requestsInFlight: 1 }] },
  ];
  assert.deepEqual([status.requestsWaiting, status.replicas[0].requestsInFlight], [0, 0]);
  assert.equal((await send(running.url, { method: 'POST', path: INFER, body: '{}' })).status, 200);
}

describe('the place of a request is for the next', { concurrency: 4 }, () => {
  for (const [name, { says = numberedPost(1), ends, outcome, timeouts }] of Object.entries(endings)) {
    test(`when it ${name}`, async (t) => {
      const { running, first } = await startProxyWithFirst(t, timeouts);
      const downstream = await connectTo(t, running.url);
      downstream.write(says);
      await until('the first has come', () => first() !== undefined);
      const second = await sendNumbered(running, 2);
      const third = await sendNumbered(running, 3);
      await ends({ ...(first() as First), downstream });
      assert.deepEqual([(await second.answer).status, (await third.answer).status], [200, 200]);
      await until('the first is over', () => running.inFlight() === 0);
      const expected = { success: 2, failure: 0, aborted: 0, rejected: 0 };
      expected[outcome]++;
      await assertCounts(running, expected);
      await assertPlaceIsFree(running);
      assert.equal((await queueDuration(running)).count, 4);
    });
  }

  for (const [name, start, status] of [
    ['refuses the connection', () => REFUSING[0], 502],
    ['accepts no connection', startStuckUpstream, 504],
  ] as const) {
    test(`when its upstream ${name}`, async (t) => {
      const timeouts = { connectMs: 300, responseHeadersMs: 30_000, idleMs: 30_000 };
      const running = await startProxy(t, [limited(await start(t), { inFlight: 1 }, { timeouts })]);
      const post = { method: 'POST', path: INFER, body: '{}' };
      const answers = await Promise.all([1, 2, 3].map(() => send(running.url, post)));
      assert.deepEqual(
        answers.map((answer) => answer.status),
        [status, status, status],
      );
      await assertCounts(running, { failure: 3 });
    });
  }

  test('when it is left while its upstream is connected to, once that is over', async (t) => {
    const timeouts = { connectMs: 500, responseHeadersMs: 30_000, idleMs: 30_000 };
    const running = await startProxy(t, [limited(await startStuckUpstream(t), { inFlight: 1 }, { timeouts })]);
    const downstream = await connectTo(t, running.url);
    downstream.write(numberedPost(1));
    await until('it is in flight', () => running.inFlight() === 1);
    const second = await sendNumbered(running, 2);
    downstream.socket.resetAndDestroy();
    await until('it is over', async () => (await running.counts()).aborted === 1);
    assert.equal((await second.answer).status, 504);
    assert.equal(await waiting(running), 0);
    await assertCounts(running, { aborted: 1, failure: 1 });
  });
});
