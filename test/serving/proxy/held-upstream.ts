import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import type { Histogram } from '@opentelemetry/sdk-metrics';
import type { UpstreamOptions } from '../../../src/serving/proxy/upstreams.ts';
import { until } from '../../support/until.ts';
import { rawPost, send, type Received } from './downstream.ts';
import { INFER, upstreamAt, type RunningProxy } from './running-proxy.ts';
import { startUpstream } from './upstream-servers.ts';

export interface HeldUpstream {
  readonly url: string;
  /** `x-n` of the requests that came, in order. */
  readonly seen: readonly string[];
  /** Those that have no answer yet. */
  readonly held: { readonly n: string; readonly request: IncomingMessage; readonly response: ServerResponse }[];
  /** Answers the first that is held, with its number. */
  answer(): void;
  /** Waits until so many have come. */
  took(count: number): Promise<void>;
}

/** An upstream that answers inference requests when it is told to, and all others at once. */
export async function startHeldUpstream(t: TestContext): Promise<HeldUpstream> {
  const seen: string[] = [];
  const held: HeldUpstream['held'] = [];
  const { url } = await startUpstream(t, (request, response) => {
    request.resume();
    if (request.method !== 'POST') return void response.end('at once');
    const n = String(request.headers['x-n']);
    seen.push(n);
    held.push({ n, request, response });
    response.on('close', () => {
      const at = held.findIndex((each) => each.response === response);
      if (at >= 0) held.splice(at, 1);
    });
  });
  return {
    ...{ url, seen, held },
    answer: () => {
      const first = held.shift();
      assert.ok(first, 'nothing is held');
      first.response.end(`answer ${first.n}`);
    },
    took: (count) => until(`${count} have come`, () => seen.length >= count),
  };
}

/** An upstream with a limit and a line before it. */
export function limited(
  url: string,
  { inFlight = 1, waiting = 10, timeoutMs = 30_000 }: { inFlight?: number; waiting?: number; timeoutMs?: number },
  changes: Partial<UpstreamOptions> = {},
): UpstreamOptions {
  return upstreamAt(url, { requestsInFlightMax: inFlight, queue: { sizeMax: waiting, timeoutMs }, ...changes });
}

/** @returns once the request is in flight. */
export async function sendNumbered(
  running: RunningProxy,
  n: number,
  body = '{}',
): Promise<{ answer: Promise<Received> }> {
  const before = running.inFlight();
  const answer = send(running.url, { method: 'POST', path: INFER, body, headers: { 'x-n': n } });
  answer.catch(() => {});
  await until(`request ${n} is in flight`, () => running.inFlight() > before);
  return { answer };
}

export const numberedPost = (n: number, body?: string): string =>
  rawPost(INFER, body).replace('host:', `x-n: ${n}\r\nhost:`);

export const waiting = ({ telemetry }: RunningProxy): Promise<number> => telemetry.value('inference.queue.size');

/** Over all series. */
export async function queueDuration({ telemetry }: RunningProxy): Promise<{ count: number; sum: number }> {
  const { resourceMetrics } = await telemetry.pull.collect(1_000);
  const all = { count: 0, sum: 0 };
  for (const { descriptor, dataPoints } of resourceMetrics().scopeMetrics.flatMap((scope) => scope.metrics)) {
    if (descriptor.name !== 'inference.queue.duration') continue;
    for (const { value } of dataPoints) {
      all.count += (value as Histogram).count;
      all.sum += (value as Histogram).sum ?? 0;
    }
  }
  return all;
}
