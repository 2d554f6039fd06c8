import { decodeExportMetricsResponse } from '../../otlp/response.ts';
import type { TextCleaner } from './receiver-text.ts';
import type { SendOutcome } from './transport.ts';

/** Of an answer. Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp-response, where nothing is said, and what official exporters take. */
export const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/** @param answer an ExportMetricsServiceResponse; none is full success. */
export function acceptance(answer: Uint8Array | undefined, clean: TextCleaner): SendOutcome {
  try {
    const { rejectedDataPoints, errorMessage } = decodeExportMetricsResponse(answer ?? new Uint8Array(0));
    return { status: 'sent', rejectedPoints: rejectedDataPoints, message: clean(errorMessage) };
  } catch (error) {
    return unreadable(clean(error instanceof Error ? error.message : ''));
  }
}

/** @param answer the same in JSON, which is not what was asked for, but some say no more than `{}` in it. */
export function jsonAcceptance(answer: Uint8Array, clean: TextCleaner): SendOutcome {
  try {
    const { partialSuccess } = Object(JSON.parse(Buffer.from(answer).toString())) as { partialSuccess?: unknown };
    const { rejectedDataPoints, errorMessage } = Object(partialSuccess) as Record<string, unknown>;
    // As JSON has them, 64 bits are a string.
    const rejectedPoints = Math.max(0, Math.trunc(Number(rejectedDataPoints))) || 0;
    return { status: 'sent', rejectedPoints, message: typeof errorMessage === 'string' ? clean(errorMessage) : '' };
  } catch {
    return unreadable('it is not JSON, though it says so');
  }
}

/** It has the batch; that is sure, and no more: sent again, it would have it twice. */
export function unreadable(why: string): SendOutcome {
  return { status: 'sent', rejectedPoints: 0, message: `the receiver's answer cannot be read: ${why}` };
}
