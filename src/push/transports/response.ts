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

/** It has the batch; that is sure, and no more: sent again, it would have it twice. */
export function unreadable(why: string): SendOutcome {
  return { status: 'sent', rejectedPoints: 0, message: `the receiver's answer cannot be read: ${why}` };
}
