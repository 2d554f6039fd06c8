import type { TestContext } from 'node:test';
import type { HeaderAttribute } from '../../../src/serving/proxy/header-attributes.ts';
import type { TelemetryOptions } from '../../../src/telemetry/index.ts';
import { until } from '../../support/until.ts';
import { pageOf, telemetryOn, type TelemetryOn } from '../../telemetry/telemetry-on.ts';
import { connectTo } from './downstream.ts';
import { INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { startUpstream } from './upstream-servers.ts';

export const TENANT: HeaderAttribute = { header: 'x-tenant', attribute: 'tenant.id', valuesMax: 3 };
export const PRIORITY: HeaderAttribute = { header: 'x-priority', attribute: 'request.priority', valuesMax: 2 };
export const OVERFLOW = 'metergate_serving_header_values_overflow_total';

export interface Sent {
  /** Of the upstream's answer. */
  readonly status?: number;
  readonly path?: string;
  /** Header lines, as bytes. */
  readonly lines?: readonly string[];
}

export interface RunningWithAttributes {
  readonly telemetry: TelemetryOn;
  /** On one connection, in this order; resolves when all are measured. */
  readonly request: (...all: readonly Sent[]) => Promise<void>;
  /** Series of `inference_requests_total`: tenant, priority and outcome, where there are, and the count. */
  readonly counted: () => Promise<Record<string, number>>;
}

export interface StartOptions extends TelemetryOptions {
  /** Requests that are sent together, and may be measured in any order; 1 if not given. */
  readonly atOnce?: number;
}

/** The proxy with attributes from headers, whose upstream answers with the status that `x-answer` says. */
export async function startWithAttributes(
  t: TestContext,
  attributesFromHeaders: readonly HeaderAttribute[],
  { engine = 'native', atOnce = 1, ...options }: StartOptions = {},
): Promise<RunningWithAttributes> {
  const upstream = await startUpstream(t, (request, response) => {
    const status = Number(request.headers['x-answer']);
    request.resume().on('end', () => response.writeHead(status, { 'content-length': 2 }).end('ok'));
  });
  const telemetry = telemetryOn(engine, options);
  const { instruments, events } = telemetry;
  const { url } = await startProxy(t, [upstreamAt(upstream.url)], { instruments, events, attributesFromHeaders });
  const downstream = await connectTo(t, url);
  let answers = 0;
  return {
    telemetry,
    request: async (...all) => {
      for (let at = 0; at < all.length; at += atOnce) {
        const batch = all.slice(at, at + atOnce);
        downstream.socket.write(batch.map(textOf).join(''), 'latin1');
        answers += batch.length;
        await until('all are answered', () => downstream.received().split('\r\n\r\nok').length === answers + 1);
      }
      const measured = async () => sumOf(telemetry, 'http_server_request_duration_seconds_count');
      await until('all are measured', async () => (await measured()) === answers);
    },
    counted: async () => {
      const { samples } = await pageOf(telemetry);
      const series = samples.filter(({ name }) => name === 'inference_requests_total');
      const shown = ['tenant_id', 'request_priority', 'inference_outcome'];
      return Object.fromEntries(
        series
          .filter(
            ({ labels }) => labels.has('inference_upstream_name') && labels.get('inference_model_name') === 'iris',
          )
          .map(({ labels, value }) => [shown.flatMap((key) => labels.get(key) ?? []).join(' '), value]),
      );
    },
  };
}

function textOf({ status = 200, path = INFER, lines = [] }: Sent): string {
  const head = [`POST ${path} HTTP/1.1`, 'host: a', `x-answer: ${status}`, ...lines, 'content-length: 0', '', ''];
  return head.join('\r\n');
}

/** Over all series of a scrape made now. */
export async function sumOf(telemetry: TelemetryOn, name: string): Promise<number> {
  const { samples } = await pageOf(telemetry);
  return samples.filter((sample) => sample.name === name).reduce((sum, { value }) => sum + value, 0);
}

/** All four outcomes, with these counts. */
export function outcomes(values: string, counts: Partial<Record<string, number>> = {}): Record<string, number> {
  const all = { success: 0, failure: 0, aborted: 0, rejected: 0, ...counts };
  return Object.fromEntries(Object.entries(all).map(([name, count]) => [`${values} ${name}`.trim(), count]));
}

/** A request with that tenant. */
export const tenant = (value: string, more: Omit<Sent, 'lines'> = {}): Sent => ({
  ...more,
  lines: [`x-tenant: ${value}`],
});
