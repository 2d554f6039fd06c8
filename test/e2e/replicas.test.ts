// What replicas are for: one of them dies under load, and nobody notices but those whose requests it had.
import assert from 'node:assert/strict';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { countsOfPage, sumOfPage } from '../../src/cli/demo/comparison.ts';
import { zeroCounts, type Counts } from '../../src/cli/demo/load.ts';
import { outcomes } from '../../src/serving/proxy/outcome.ts';
import { startGateway, type RunningGateway } from '../support/gateway.ts';
import { eventually, freePort, startProcess, type RunningProcess } from '../support/processes.ts';

const REQUESTS = 200;
const AT_ONCE = 16;
const IN_FLIGHT = 6;

/** A server that says who it is, and how many of its answers were taken whole. */
const SERVER = `
  let served = 0;
  const answer = (response) => {
    response.setHeader('x-replica', process.argv[1]).on('finish', () => served++);
    response.end('ok');
  };
  require('node:http').createServer((request, response) => {
    if (request.url === '/served') response.end(String(served));
    else if (request.url === '/v2/health/ready') response.end();
    else request.resume().on('end', () => setTimeout(answer, 10, response));
  }).listen(Number(process.argv[1]), '127.0.0.1', () => console.error('listening'));`;

interface Replica {
  readonly url: string;
  readonly port: string;
  readonly process: RunningProcess;
  served(): Promise<number>;
}

async function startReplica(t: TestContext, port: number): Promise<Replica> {
  const args = ['-e', SERVER, String(port)];
  const running = await startProcess({ command: process.execPath, args, ready: { line: /listening/ } });
  t.after(() => running.stop());
  const url = `http://127.0.0.1:${port}`;
  const served = async (): Promise<number> => Number(await (await fetch(`${url}/served`)).text());
  return { url, port: String(port), process: running, served };
}

interface Ledger {
  readonly counts: Counts;
  /** Successes, by who answered. */
  readonly by: Record<string, number>;
}

interface LoadOptions {
  readonly url: string;
  readonly count: number;
  readonly host?: string;
  readonly onAnswer?: (answered: number) => void;
}

async function load({ url, count, host = 'gateway', onAnswer }: LoadOptions): Promise<Ledger> {
  const agent = new Agent({ keepAlive: true });
  const ledger: Ledger = { counts: zeroCounts(), by: {} };
  let [left, answered] = [count, 0];
  const ask = async (): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const options = { method: 'POST', agent, headers: { host } };
    httpRequest(`${url}/v2/models/iris/infer`, options)
      .on('response', resolve)
      .on('error', reject)
      .end('{"inputs":[]}');
    const response = await promise;
    const whole = await buffer(response).then(
      () => true,
      () => false,
    );
    const success = whole && response.statusCode === 200;
    const who = String(response.headers['x-replica']);
    ledger.counts[success ? 'success' : response.statusCode === 503 ? 'rejected' : 'failure']++;
    if (success) ledger.by[who] = (ledger.by[who] ?? 0) + 1;
    onAnswer?.(++answered);
  };
  const work = async (): Promise<void> => {
    while (left-- > 0) await ask();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  agent.destroy();
  return ledger;
}

async function pageOf({ urls }: RunningGateway): Promise<string> {
  return (await fetch(`${urls.metrics}/metrics`)).text();
}

function healthyOf(page: string, { port }: Replica): string | undefined {
  return new RegExp(`^inference_upstream_healthy\\{[^}]*server_port="${port}"[^}]*\\} (\\d)$`, 'm').exec(page)?.[1];
}

async function until(gateway: RunningGateway, condition: (page: string) => boolean): Promise<string> {
  return eventually(async () => {
    const page = await pageOf(gateway);
    return condition(page) ? page : undefined;
  });
}

test('a replica that dies under load costs the requests that it had, and all who count agree', async (t) => {
  const ports = [await freePort(), await freePort(), await freePort(), await freePort()];
  const [dying, second, third, canary] = await Promise.all(ports.map((port) => startReplica(t, port)));
  assert.ok(dying && second && third && canary);
  const replicas = [dying, second, third];
  const health = { path: '/v2/health/ready', interval: '500ms', unhealthy_after: 2 };
  const gateway = await startGateway({
    upstreams: [
      {
        ...{ name: 'iris', url: replicas.map(({ url }) => url), models: [{ name: 'iris' }], health },
        ...{ requests_in_flight: IN_FLIGHT, queue: { max_size: 100, timeout: '10s' } },
      },
      { name: 'canary', url: canary.url, match: { hosts: ['*.example.com'] } },
    ],
  });
  t.after(() => gateway.stop());
  const { inference: url, management } = gateway.urls;

  const onAnswer = (answered: number): void => {
    if (answered === REQUESTS / 4) dying.process.kill('SIGKILL');
  };
  const [ledger, atCanary] = await Promise.all([
    load({ url, count: REQUESTS, onAnswer }),
    load({ url, count: 20, host: 'Canary.example.com:80' }),
  ]);
  t.diagnostic(JSON.stringify(ledger));
  assert.deepEqual(atCanary, { counts: { ...zeroCounts(), success: 20 }, by: { [canary.port]: 20 } });
  const { success, failure, rejected } = ledger.counts;
  assert.deepEqual([success + failure, rejected], [REQUESTS, 0]);
  assert.ok(failure <= IN_FLIGHT, `${failure} failed`);

  const page = await until(gateway, (each) => healthyOf(each, dying) === '0');
  assert.deepEqual([healthyOf(page, second), healthyOf(page, third), healthyOf(page, canary)], ['1', '1', '1']);
  assert.deepEqual(countsOfPage(page), { ...ledger.counts, success: success + 20 });
  assert.equal(sumOfPage(page, 'inference_queue_duration_seconds_count'), REQUESTS + 20);
  for (const name of ['inference_queue_size', 'inference_active_requests'])
    assert.equal(sumOfPage(page, name), 0, name);
  for (const replica of [second, third]) {
    assert.equal(await replica.served(), ledger.by[replica.port]);
    assert.ok((ledger.by[replica.port] ?? 0) > REQUESTS / 4, JSON.stringify(ledger.by));
  }
  const status = JSON.stringify(await (await fetch(`${management}/status`)).json());
  assert.ok(status.includes(`{"address":"127.0.0.1:${dying.port}","healthy":false,"requestsInFlight":0}`), status);

  const again = await startReplica(t, Number(dying.port));
  const after = zeroCounts();
  // It is asked by requests as well as by checks whether it is back.
  await eventually(async () => {
    const { counts, by } = await load({ url, count: 20 });
    for (const outcome of outcomes) after[outcome] += counts[outcome];
    return by[again.port];
  });
  await until(gateway, (each) => healthyOf(each, again) === '1');
  assert.deepEqual(after, { ...zeroCounts(), success: after.success });
  assert.ok((await again.served()) > 0);
  assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
});
