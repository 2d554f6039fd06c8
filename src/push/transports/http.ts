import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { errors, type Dispatcher } from 'undici';
import { decodeRpcStatus } from '../../otlp/rpc-status.ts';
import { openDispatcher, proxyHeaders, proxyStatus } from './dispatcher.ts';
import { CANCELLED, httpFailure, noAnswer, readRetryAfter, redirectText, type Refusal } from './failures.ts';
import { createTextCleaner, type TextCleaner } from './receiver-text.ts';
import { acceptance, ANSWER_BYTES_MAX, jsonAcceptance, unreadable } from './response.ts';
import { tlsAdvice } from './tls-advice.ts';
import type { SendOutcome, Transport, TransportOptions } from './transport.ts';

const compress = promisify(gzip);

/** Of the answer of a receiver that refuses; there is a sentence in it, or a page. */
const REFUSAL_BYTES_MAX = 64 * 1024;

const HTML = /^\s*(text\/html|application\/xhtml\+xml)\b/i;

/** Of HTML that is no page, but a word such as `ok` from a receiver that names no other type. */
const WORD_BYTES_MAX = 64;

/**
 * OTLP/HTTP with protobuf.
 *
 * Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
export function createHttpTransport(options: TransportOptions): Transport {
  const { timeoutMs, compression, userAgent, proxy } = options;
  const { href, origin, pathname, search } = new URL(options.endpoint);
  const dispatcher = openDispatcher(options);
  const clean = createTextCleaner({ ...options.headers, ...proxyHeaders(proxy) });
  const way = proxy === undefined ? '' : `through the proxy ${new URL(proxy).host}: `;
  const failed = (code: unknown, message: string, advice = ''): SendOutcome =>
    noAnswer(code, clean(way + message) + advice);
  const closing = new AbortController();
  const headers = {
    ...Object.fromEntries(Object.entries(options.headers).map(([name, value]) => [name.toLowerCase(), value])),
    'content-type': 'application/x-protobuf',
    'user-agent': userAgent,
    ...(compression === 'gzip' && { 'content-encoding': 'gzip' }),
  };

  const post = async (payload: Uint8Array, { signal, givenUp }: Attempt): Promise<SendOutcome> => {
    const body = compression === 'gzip' ? await compress(payload) : payload;
    const asked = dispatcher.request({ origin, path: pathname + search, method: 'POST', headers, body, signal });
    // It hears of the signal only when it has a connection.
    const answer = await Promise.race([asked, givenUp]);
    return answer.statusCode < 300 ? accepted(answer, clean) : refused(answer, { endpoint: href, clean });
  };

  return {
    send: async (payload, signal) => {
      const attempt = startAttempt(timeoutMs, [signal, closing.signal]);
      try {
        return await post(payload, attempt);
      } catch (error) {
        if (signal.aborted || closing.signal.aborted) return CANCELLED;
        if (attempt.signal.aborted) return failed('ETIMEDOUT', `no answer within ${timeoutMs} ms`);
        const status = proxyStatus(error);
        if (status !== undefined) return failed(status, `the proxy answers ${status}`);
        const { code, message } = causeOf(error);
        return failed(code, message, tlsAdvice({ message, isSilent: isSilent(error) }, options));
      } finally {
        attempt.end();
      }
    },
    close: async () => {
      closing.abort();
      await dispatcher.destroy();
    },
  };
}

interface Attempt {
  readonly signal: AbortSignal;
  /** Rejects with the signal. */
  readonly givenUp: Promise<never>;
  readonly end: () => void;
}

/** What ends when its time is up, or when one of the signals says so; `AbortSignal.any` of a signal that lives long would collect there. */
function startAttempt(timeoutMs: number, signals: readonly AbortSignal[]): Attempt {
  const controller = new AbortController();
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  // Nobody may be waiting for it then.
  givenUp.catch(() => undefined);
  const giveUp = (): void => {
    controller.abort();
    reject(new Error('given up'));
  };
  const timer = setTimeout(giveUp, timeoutMs);
  for (const signal of signals) {
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
  }
  return {
    signal: controller.signal,
    givenUp,
    end: () => {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener('abort', giveUp);
    },
  };
}

/** By its status the receiver has the batch, whatever becomes of the rest of the answer; unless that is no receiver. */
async function accepted(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  clean: TextCleaner,
): Promise<SendOutcome> {
  const type = String(headers['content-type'] ?? '');
  try {
    if (HTML.test(type)) {
      const word = await readAll(body, WORD_BYTES_MAX).catch(() => undefined);
      if (word?.includes('<') === false)
        return word.length === 0 ? acceptance(word, clean) : unreadable(clean(`it is ${type}`));
      // A login, or the page for whatever path: nobody has the batch.
      return noAnswer('UNKNOWN', clean(`${statusCode} with a web page (${type}): is this an OTLP endpoint?`));
    }
    const bytes = await readAll(body, ANSWER_BYTES_MAX);
    if (bytes === undefined) return unreadable(`it is longer than ${ANSWER_BYTES_MAX} bytes`);
    if (bytes.length === 0 || type === '' || type.includes('protobuf')) return acceptance(bytes, clean);
    if (type.includes('json')) return jsonAcceptance(bytes, clean);
    return unreadable(clean(`it is ${type}`));
  } catch (error) {
    return unreadable(clean(causeOf(error).message));
  }
}

async function refused(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  { endpoint, clean }: { endpoint: string; clean: TextCleaner },
): Promise<SendOutcome> {
  // The status says what there is to do; a sentence with it would be nice.
  const bytes = await readAll(body, REFUSAL_BYTES_MAX).catch(() => undefined);
  const { message, retryAfterMs } = readRefusal(bytes, String(headers['content-type'] ?? ''));
  const redirect = statusCode < 400 ? redirectText(headers.location, endpoint) : undefined;
  return httpFailure(statusCode, {
    message: clean(redirect ?? message),
    retryAfterMs: readRetryAfter(headers['retry-after'], Date.now()) ?? retryAfterMs,
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

/** The other side has ended the connection, and nothing had come from there: undici tells so much. */
function isSilent(error: unknown): boolean {
  return error instanceof errors.SocketError && error.socket?.bytesRead === 0;
}

/** Where a name has several addresses, the error says nothing, and those that it is made of do. */
function causeOf(error: unknown): { code?: unknown; message: string } {
  if (error instanceof AggregateError && error.message === '') return causeOf(error.errors[0]);
  return error instanceof Error ? error : { message: 'an unknown error' };
}
