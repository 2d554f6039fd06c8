import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import { openInference } from '../../../src/serving/protocols/open-inference.ts';
import type { HeaderAttribute } from '../../../src/serving/proxy/header-attributes.ts';
import { createProxy, type Proxy, type ProxyOptions } from '../../../src/serving/proxy/index.ts';
import { createMeasurements } from '../../../src/serving/proxy/measurements.ts';
import { outcomes, type Outcome } from '../../../src/serving/proxy/outcome.ts';
import type { UpstreamOptions } from '../../../src/serving/proxy/upstreams.ts';
import { deadlineIn } from '../../../src/std/deadline.ts';
import { createTestTelemetry, type TestTelemetry } from '../../support/telemetry.ts';
import { until } from '../../support/until.ts';

export const INFER = '/v2/models/iris/infer';
export const METADATA = '/v2/models/iris';

export interface RunningProxy {
  readonly proxy: Proxy;
  readonly telemetry: TestTelemetry;
  readonly url: string;
  readonly inFlight: () => number;
  /** Over all models. */
  counts(): Promise<Record<Outcome, number>>;
}

export type ProxyChanges = Partial<Pick<ProxyOptions, 'address' | 'instruments' | 'events' | 'accessLog'>> & {
  readonly limits?: Partial<ProxyOptions['limits']>;
  readonly knownModelsMax?: number;
  readonly attributesFromHeaders?: readonly HeaderAttribute[];
};

/** The real proxy with real telemetry on a free port, not started. */
export function createTestProxy(
  upstreams: readonly UpstreamOptions[],
  { limits, knownModelsMax = 10, attributesFromHeaders = [], ...changes }: ProxyChanges = {},
): Omit<RunningProxy, 'url'> {
  const telemetry = createTestTelemetry();
  const parts = { instruments: telemetry.instruments, events: telemetry.events, logger: telemetry.logger, ...changes };
  const proxy = createProxy({
    address: { host: '127.0.0.1', port: 0 },
    upstreams,
    limits: {
      requestsInFlightMax: 100,
      connectionsMax: 100,
      headerBytesMax: 16_384,
      requestBodyBytesMax: 1e9,
      requestHeaderTimeoutMs: 10_000,
      ...limits,
    },
    accessLog: undefined,
    measurements: createMeasurements({ ...parts, upstreams, knownModelsMax, attributesFromHeaders }),
    ...parts,
  });
  const counts = async (): Promise<Record<Outcome, number>> => {
    const values = { success: 0, failure: 0, aborted: 0, rejected: 0 };
    for (const outcome of outcomes) {
      values[outcome] = await telemetry.value('inference.requests', { 'inference.outcome': outcome });
    }
    return values;
  };
  return { proxy, telemetry, counts, inFlight: () => Number(proxy.status().requestsInFlight) };
}

/** Started, and shut down when the test is over. */
export async function startProxy(
  t: TestContext,
  upstreams: readonly UpstreamOptions[],
  changes: ProxyChanges = {},
): Promise<RunningProxy> {
  const created = createTestProxy(upstreams, changes);
  await created.proxy.start();
  t.after(() => created.proxy.shutdown(deadlineIn(0)));
  return { ...created, url: created.proxy.url };
}

/** An upstream at the root, with the model `iris` known from the start. */
export function upstreamAt(url: string, changes: Partial<UpstreamOptions> = {}): UpstreamOptions {
  return {
    name: 'up',
    urls: [new URL(url)],
    pathPrefix: '/',
    match: { hosts: [], models: [] },
    protocol: openInference,
    labels: {},
    models: [{ name: 'iris' }],
    timeouts: { connectMs: 5_000, responseHeadersMs: 30_000, idleMs: 30_000 },
    queue: { sizeMax: 100, timeoutMs: 30_000 },
    health: { intervalMs: 5_000, timeoutMs: 1_000, unhealthyAfter: 3, backoffMaxMs: 30_000 },
    ...changes,
  };
}

/** Waits until so many inference requests are over, then holds that each was counted once and that nothing is in flight. */
export async function assertCounts(running: RunningProxy, expected: Partial<Record<Outcome, number>>): Promise<void> {
  const all = { success: 0, failure: 0, aborted: 0, rejected: 0, ...expected };
  const total = Object.values(all).reduce((sum, n) => sum + n, 0);
  await until(`${total} inference requests are over`, async () => {
    const ended = Object.values(await running.counts()).reduce((sum, n) => sum + n, 0);
    return ended >= total && running.inFlight() === 0;
  });
  // One that is counted twice is so by a later event.
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  assert.deepEqual(await running.counts(), all);
  await assertNothingActive(running);
}

const HTTP_HISTOGRAMS = [
  'http.server.request.duration',
  'http.server.request.body.size',
  'http.server.response.body.size',
] as const;

/** Holds that there was one HTTP request so far, with exactly these attributes on all of its measurements. */
export async function assertHttp({ telemetry }: RunningProxy, attributes: Attributes): Promise<void> {
  for (const name of HTTP_HISTOGRAMS) {
    const expected = [{ attributes: { 'url.scheme': 'http', ...attributes }, value: 1 }];
    assert.deepEqual(await telemetry.series(name), expected, name);
  }
}

export async function assertNothingActive({ telemetry, inFlight }: RunningProxy): Promise<void> {
  for (const name of ['http.server.active_requests', 'inference.active_requests', 'inference.queue.size'] as const) {
    for (const { attributes, value } of await telemetry.series(name)) {
      assert.equal(value, 0, `${name} ${JSON.stringify(attributes)}`);
    }
  }
  assert.equal(inFlight(), 0);
}
