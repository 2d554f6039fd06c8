import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, Agent, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { outcomes, type Outcome } from '../../../src/serving/proxy/outcome.ts';
import { until } from '../../support/until.ts';
import { queueDuration } from './held-upstream.ts';
import { REFUSING } from './replica-servers.ts';
import { assertNothingActive, INFER, startProxy, upstreamAt, type RunningProxy } from './running-proxy.ts';
import { startUpstream } from './upstream-servers.ts';

const REQUESTS = 2_000;
const AT_ONCE = 80;
const BODIES = ['', '{}', 'x'.repeat(1_000), 'x'.repeat(200_000)];

/** What the upstream does with a request that is to be answered, and how that ends. */
const answers = { ok: 'success', slow: 'success', drip: 'success', 500: 'failure', cut: 'failure', reset: 'failure' };
/** What the downstream does with one that is never answered. */
const aborts = ['body', 'head', 'response'] as const;

type Ledger = Record<Outcome, number>;
const nothing = (): Ledger => ({ success: 0, failure: 0, aborted: 0, rejected: 0 });

/** The same numbers for the same seed. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Two replicas that do what each request asks for, and count what they did, and one that nobody answers at. */
async function startReplicas(t: TestContext) {
  const did = nothing();
  const answer = async (what: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (what === 'hold') return;
    if (what === 'part') return void response.write('part');
    await buffer(request);
    did[answers[what as keyof typeof answers] as Outcome]++;
    if (what === 'slow') await sleep(5);
    if (what === 'drip' || what === 'cut') response.write('x'.repeat(1_000));
    if (what === 'drip' || what === 'cut') await sleep(2);
    if (what === 'cut' || what === 'reset') request.socket.resetAndDestroy();
    else response.end('done');
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const what = String(request.headers['x-do']);
    if (what === '500') response.statusCode = 500;
    answer(
      what,
      request.on('error', () => {}),
      response,
    ).catch(() => {});
  };
  const urls = [(await startUpstream(t, listener)).url, (await startUpstream(t, listener)).url, REFUSING[0]];
  return { did, urls: urls.map((url) => new URL(url)) };
}

/** Sends a request that is to be answered. @returns how it ended, as its downstream sees it. */
async function ask(url: string, agent: Agent | false, what: string, body: string): Promise<Outcome> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  httpRequest(url + INFER, { method: 'POST', agent, headers: { 'x-do': what } })
    .on('response', resolve)
    .on('error', reject)
    .end(body);
  const response = await promise;
  try {
    const text = await buffer(response);
    if (response.statusCode === 200) return 'success';
    return response.statusCode === 503 && /"queue_(full|timeout)"/.test(text.toString()) ? 'rejected' : 'failure';
  } catch {
    return 'failure';
  }
}

/** Sends a request and leaves. A close, unlike a reset, does not overtake what was sent before. */
async function abort(url: string, when: (typeof aborts)[number], afterMs: number, body: string): Promise<Outcome> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).on('error', () => {});
  let received = '';
  const answered = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      if (received.includes('part') || received.includes('HTTP/1.1 503')) resolve();
    });
  });
  await once(socket, 'connect');
  const what = when === 'response' ? 'part' : 'hold';
  const length = Buffer.byteLength(body) + (when === 'body' ? 10 : 0);
  socket.write(`POST ${INFER} HTTP/1.1\r\nhost: a\r\nx-do: ${what}\r\ncontent-length: ${length}\r\n\r\n${body}`);
  await (when === 'response' ? answered : sleep(afterMs));
  socket.destroy();
  return received.includes('HTTP/1.1 503') ? 'rejected' : 'aborted';
}

async function runAll(running: RunningProxy, seed: number): Promise<Ledger> {
  const random = createRandom(seed);
  const ledger = nothing();
  const kept = new Agent({ keepAlive: true });
  let left = REQUESTS;
  const work = async (): Promise<void> => {
    while (left-- > 0) {
      const body = BODIES[random(BODIES.length)] ?? '';
      const names = Object.keys(answers);
      const outcome =
        random(3) === 0
          ? await abort(running.url, aborts[random(aborts.length)] ?? 'head', random(10), body)
          : await ask(running.url, random(2) === 0 && kept, names[random(names.length)] ?? 'ok', body);
      ledger[outcome]++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  kept.destroy();
  return ledger;
}

test(`${REQUESTS} requests that wait, abort, fail and succeed leave nothing behind, and all counts agree`, async (t) => {
  const seed = Date.now() % 1_000_000;
  t.diagnostic(`seed ${seed}`);
  const { did, urls } = await startReplicas(t);
  const upstream = upstreamAt('http://127.0.0.1:1', {
    urls,
    requestsInFlightMax: 5,
    queue: { sizeMax: 50, timeoutMs: 100 },
  });
  const running = await startProxy(t, [upstream], {
    limits: { requestsInFlightMax: 1_000, connectionsMax: 1_000, requestBodyBytesMax: 1_000_000 },
  });
  const ledger = await runAll(running, seed);
  await until('all are over', async () => {
    const counts = await running.counts();
    return outcomes.reduce((sum, outcome) => sum + counts[outcome], 0) >= REQUESTS && running.inFlight() === 0;
  });
  const counts = await running.counts();
  t.diagnostic(JSON.stringify({ ledger, counts, did }));
  // Who leaves may do so when its refusal is on its way.
  const late = counts.rejected - ledger.rejected;
  assert.deepEqual(counts, { ...ledger, aborted: ledger.aborted - late, rejected: ledger.rejected + late });
  assert.ok(late >= 0 && late < ledger.aborted / 2, `${late} were refused and left`);
  assert.deepEqual(counts, { ...counts, success: did.success, failure: did.failure });

  assert.equal(await running.telemetry.value('http.server.request.duration'), REQUESTS);
  const refused = { 'inference.outcome': 'rejected' };
  assert.equal(await running.telemetry.value('inference.request.duration'), REQUESTS - counts.rejected);
  assert.equal(await running.telemetry.value('inference.request.duration', refused), 0);
  const full = await running.telemetry.value('http.server.request.duration', { 'error.type': 'queue_full' });
  assert.equal((await queueDuration(running)).count, REQUESTS - full);
  await assertNothingActive(running);
  const [status] = running.proxy.status().upstreams as [
    { requestsWaiting: number; replicas: { requestsInFlight: 0 }[] },
  ];
  assert.deepEqual([status.requestsWaiting, ...status.replicas.map((each) => each.requestsInFlight)], [0, 0, 0, 0]);
});
