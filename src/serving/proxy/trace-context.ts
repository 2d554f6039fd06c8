import { ROOT_CONTEXT, trace, type Context } from '@opentelemetry/api';

/** Version, trace id, parent id, flags; later versions may have more behind a dash. */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:$|-)/;

/**
 * The context that a downstream's span is active in, for exemplars: sampled or not, since it is the filter of exemplars that decides.
 *
 * @param traceparent of the request. @returns undefined where there is no valid one.
 * Source: W3C Trace Context, section 3.2
 */
export function traceContext(traceparent: string | string[] | undefined): Context | undefined {
  if (typeof traceparent !== 'string') return undefined;
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (traceparent.startsWith('00') && traceparent.length !== 55) return undefined;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: parseInt(flags, 16), isRemote: true });
}
