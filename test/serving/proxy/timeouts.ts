import type { ProxyErrorCode } from '../../../src/serving/proxy/errors.ts';

/**
 * Times that never run out in a test, but for the one whose end is this error, which is short: on a machine that stands still for a moment,
 * none of the others is over first.
 */
export function timeoutsFor(code: ProxyErrorCode): { connectMs: number; responseHeadersMs: number; idleMs: number } {
  return {
    connectMs: code === 'upstream_connect_timeout' ? 300 : 60_000,
    responseHeadersMs: code === 'upstream_response_timeout' ? 200 : 60_000,
    idleMs: code === 'upstream_idle_timeout' ? 200 : 60_000,
  };
}
