import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { NodeDispatchOptions } from './node-dispatch.ts';
import { trailerFilter } from './trailers.ts';

/** What a head is made of. */
export type NodeRequestHead = Omit<NodeDispatchOptions, 'path'> & { readonly host: string };

export interface NodeRequestHeaders {
  /** Flat, complete: nothing is left for Node to add. */
  readonly headers: string[];
  /** Whether the body is sent in chunks, so that trailers can follow it. */
  readonly chunked: boolean;
}

/**
 * The connection serves one request only, but that is not said: an upstream that is to close it may do so with a part of the request
 * unread, which resets the connection and loses its early answer (a 413, say).
 */
export function nodeRequestHeaders({ host, headers, request, ...head }: NodeRequestHead): NodeRequestHeaders {
  const out = ['host', host, 'connection', head.upgrade === undefined ? 'keep-alive' : 'upgrade'];
  if (head.upgrade !== undefined) out.push('upgrade', head.upgrade);
  if (head.expectsContinue) out.push('expect', '100-continue');
  let hasLength = false;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    const lower = name.toLowerCase();
    hasLength ||= lower === 'content-length';
    if (lower !== 'trailer') out.push(name, headers[i + 1] ?? '');
  }
  if (hasLength) return { headers: out, chunked: false };
  if (isWhole(head.body) && passedTrailers(request).length === 0) {
    // Else Node says of nothing at all that it comes in chunks.
    const isExpected = head.body !== null || !MOSTLY_WITHOUT_BODY.has(head.method);
    if (isExpected) out.push('content-length', String(head.body?.length ?? 0));
    return { headers: out, chunked: false };
  }
  out.push('transfer-encoding', 'chunked');
  const announced = announcedTrailers(request);
  if (announced !== '') out.push('trailer', announced);
  return { headers: out, chunked: true };
}

const MOSTLY_WITHOUT_BODY = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

export function isWhole(body: Readable | Buffer | null): body is Buffer | null {
  return body === null || body instanceof Uint8Array;
}

/** The trailers of a request that has been read to its end, as far as they may be passed on, in pairs. */
export function passedTrailers({ rawTrailers, headers }: IncomingMessage): [string, string][] {
  const mayPass = trailerFilter(headers);
  const out: [string, string][] = [];
  for (let i = 0; i < rawTrailers.length; i += 2) {
    const name = rawTrailers[i] ?? '';
    if (mayPass(name)) out.push([name, rawTrailers[i + 1] ?? '']);
  }
  return out;
}

function announcedTrailers({ headers }: IncomingMessage): string {
  const names = (headers.trailer ?? '').split(',').map((name) => name.trim());
  const mayPass = trailerFilter(headers);
  return names.filter((name) => name !== '' && mayPass(name)).join(', ');
}

/** Headers or trailers in the form that undici gives them: names in lower case, one that comes several times as an array. */
export function fieldsOf(raw: readonly string[]): IncomingHttpHeaders {
  const out = Object.create(null) as Record<string, string | string[]>;
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] ?? '').toLowerCase();
    const value = raw[i + 1] ?? '';
    const before = out[name];
    out[name] = before === undefined ? value : [before, value].flat();
  }
  return out;
}
