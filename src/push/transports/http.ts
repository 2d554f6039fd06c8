import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Pool, type Dispatcher } from 'undici';
import { decodeRpcStatus } from '../../otlp/rpc-status.ts';
import { CANCELLED, httpFailure, noAnswer, readRetryAfter, type Refusal } from './failures.ts';
import { createTextCleaner, type TextCleaner } from './receiver-text.ts';
import { acceptance, ANSWER_BYTES_MAX, unreadable } from './response.ts';
import type { SendOutcome, Transport, TransportOptions } from './transport.ts';

const compress = promisify(gzip);

/** Of the answer of a receiver that refuses; there is a sentence in it, or a page. */
const REFUSAL_BYTES_MAX = 64 * 1024;

/**
 * OTLP/HTTP with protobuf.
 *
 * Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
export function createHttpTransport(options: TransportOptions): Transport {
  const { timeoutMs, compression, userAgent } = options;
  const { origin, pathname, search } = new URL(options.endpoint);
  const pool = openPool(origin, options);
  const clean = createTextCleaner(options.headers);
  const closing = new AbortController();
  const headers = {
    ...Object.fromEntries(Object.entries(options.headers).map(([name, value]) => [name.toLowerCase(), value])),
    'content-type': 'application/x-protobuf',
    'user-agent': userAgent,
    ...(compression === 'gzip' && { 'content-encoding': 'gzip' }),
  };

  const post = async (payload: Uint8Array, signal: AbortSignal): Promise<SendOutcome> => {
    const body = compression === 'gzip' ? await compress(payload) : payload;
    const answer = await pool.request({ path: pathname + search, method: 'POST', headers, body, signal });
    return answer.statusCode < 300 ? accepted(answer, clean) : refused(answer, clean);
  };

  return {
    send: async (payload, signal) => {
      const attempt = startAttempt(timeoutMs, [signal, closing.signal]);
      try {
        return await post(payload, attempt.signal);
      } catch (error) {
        if (signal.aborted || closing.signal.aborted) return CANCELLED;
        if (attempt.signal.aborted) return noAnswer('ETIMEDOUT', `no answer within ${timeoutMs} ms`);
        const { code, message } = causeOf(error);
        return noAnswer(code, clean(message));
      } finally {
        attempt.end();
      }
    },
    close: async () => {
      closing.abort();
      await pool.destroy();
    },
  };
}

function openPool(origin: string, { timeoutMs, tls }: TransportOptions): Pool {
  return new Pool(origin, {
    connect: { ...tls, timeout: timeoutMs },
    allowH2: false,
    // The attempt as a whole has a timeout.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/** What ends when its time is up, or when one of the signals says so; `AbortSignal.any` of a signal that lives long would collect there. */
function startAttempt(timeoutMs: number, signals: readonly AbortSignal[]): { signal: AbortSignal; end: () => void } {
  const controller = new AbortController();
  const giveUp = (): void => controller.abort();
  const timer = setTimeout(giveUp, timeoutMs);
  for (const signal of signals) {
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
  }
  return {
    signal: controller.signal,
    end: () => {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener('abort', giveUp);
    },
  };
}

/** By its status the receiver has the batch, whatever becomes of the rest of the answer. */
async function accepted({ headers, body }: Dispatcher.ResponseData, clean: TextCleaner): Promise<SendOutcome> {
  const type = String(headers['content-type'] ?? '');
  try {
    const bytes = await readAll(body, ANSWER_BYTES_MAX);
    if (bytes === undefined) return unreadable(`it is longer than ${ANSWER_BYTES_MAX} bytes`);
    if (bytes.length === 0 || type === '' || type.includes('protobuf')) return acceptance(bytes, clean);
    return unreadable(clean(`it is ${type}`));
  } catch (error) {
    return unreadable(clean(causeOf(error).message));
  }
}

async function refused(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  clean: TextCleaner,
): Promise<SendOutcome> {
  // The status says what there is to do; a sentence with it would be nice.
  const bytes = await readAll(body, REFUSAL_BYTES_MAX).catch(() => undefined);
  const { message, retryAfterMs } = readRefusal(bytes, String(headers['content-type'] ?? ''));
  const retryAfter = headers['retry-after'];
  return httpFailure(statusCode, {
    message: clean(message),
    retryAfterMs: (typeof retryAfter === 'string' ? readRetryAfter(retryAfter, Date.now()) : undefined) ?? retryAfterMs,
  });
}

/** By OTLP a google.rpc.Status; in life also plain text, JSON and web pages. */
function readRefusal(bytes: Buffer | undefined, type: string): Refusal {
  if (bytes === undefined) return { message: '' };
  if (!type.includes('protobuf')) return { message: bytes.toString() };
  try {
    return decodeRpcStatus(bytes);
  } catch {
    return { message: '' };
  }
}

/** @returns undefined if there is more; the connection is closed then. */
async function readAll(body: AsyncIterable<Buffer>, bytesMax: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > bytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Where a name has several addresses, the error says nothing, and those that it is made of do. */
function causeOf(error: unknown): { code?: unknown; message: string } {
  if (error instanceof AggregateError && error.message === '') return causeOf(error.errors[0]);
  return error instanceof Error ? error : { message: 'an unknown error' };
}
