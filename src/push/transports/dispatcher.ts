import { Pool, ProxyAgent, type Dispatcher } from 'undici';
import type { TransportOptions } from './transport.ts';

/** Connections to the receiver of OTLP/HTTP, opened when they are needed. */
export function openDispatcher({ endpoint, proxy, timeoutMs, tls }: TransportOptions): Dispatcher {
  // The attempt as a whole has a timeout.
  const same = { allowH2: false, headersTimeout: 0, bodyTimeout: 0 };
  if (proxy === undefined)
    return new Pool(new URL(endpoint).origin, { ...same, connect: { ...tls, timeout: timeoutMs } });
  return new ProxyAgent({
    uri: proxy,
    // Nothing of what is for the receiver: what a proxy is trusted by is up to Node.js.
    proxyTls: { allowH2: false, timeout: timeoutMs },
    requestTls: { ...tls, allowH2: false, timeout: timeoutMs },
    factory: (origin, options) => new Pool(origin, { ...(options as Pool.Options), ...same }),
    // A tunnel that is asked for outlives the attempt; a proxy that never answers is not to gather them.
    clientFactory: (origin, options) => new Pool(origin, { ...options, ...same, headersTimeout: timeoutMs }),
  });
}

/** @returns the status with which the proxy itself refused, and undefined where it did not. undici has no other sign of it. */
export function proxyStatus(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return /^Proxy (?:response|Authentication Required) \((\d{3})\)/.exec(error.message)?.[1];
}

/** As it is sent: for whoever cleans texts of it. */
export function proxyHeaders(proxy: string | undefined): Readonly<Record<string, string>> {
  if (proxy === undefined) return {};
  const { username, password } = new URL(proxy);
  const pair = [username, password].map(decodeURIComponent).join(':');
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}
