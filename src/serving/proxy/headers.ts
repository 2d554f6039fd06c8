import { STATUS_CODES, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';

/**
 * Headers that are about one connection and must not be passed on, and those that are written anew for the next one.
 * `proxy-authorization` was meant for us. `expect` and `upgrade` are said anew where they are passed on.
 *
 * Source: RFC 9110 section 7.6.1
 */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
  'expect',
]);
const REWRITTEN = new Set(['host', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto']);

/**
 * The request's headers for the upstream, flat (name, value, name, value ...), names as they came in.
 *
 * Policy: `X-Forwarded-For` and `Via` are appended to; `X-Forwarded-Host` and `X-Forwarded-Proto` are kept when an earlier
 * proxy set them and else say what we were asked; `Host` is the upstream's. Only the last `X-Forwarded-For` entry is our word.
 *
 * @param options.host that was asked for.
 * @param options.requestId becomes `X-Request-Id`, unless there is one.
 */
export function requestHeaders(
  request: IncomingMessage,
  { host, requestId }: { readonly host: string | undefined; readonly requestId: string | undefined },
): string[] {
  const { rawHeaders, headers, socket, httpVersion } = request;
  const dropped = nominated(headers.connection);
  const out: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || REWRITTEN.has(lower) || dropped?.has(lower)) continue;
    out.push(name, rawHeaders[i + 1] ?? '');
  }
  out.push('x-forwarded-for', append(headers['x-forwarded-for'], socket.remoteAddress ?? 'unknown'));
  out.push('x-forwarded-proto', single(headers['x-forwarded-proto']) ?? 'http');
  const asked = single(headers['x-forwarded-host']) ?? host;
  if (asked !== undefined) out.push('x-forwarded-host', asked);
  out.push('via', append(headers.via, `${httpVersion} metergate`));
  if (requestId !== undefined && headers['x-request-id'] === undefined) out.push('x-request-id', requestId);
  return out;
}

/** The upstream's response headers, less what belongs to its connection with us. Takes the object over. */
export function responseHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const dropped = nominated(headers.connection);
  const out = Object.create(null) as IncomingHttpHeaders;
  for (const name in headers) {
    if (!HOP_BY_HOP.has(name) && !dropped?.has(name)) out[name] = headers[name];
  }
  return out;
}

/** What is wrong with a request's headers such that it cannot be passed on. */
export function headerFault(request: IncomingMessage): 'malformed_request' | 'unsupported_transfer_coding' | undefined {
  if (!hasValidHost(request)) return 'malformed_request';
  return isPlainlyFramed(request.headers) ? undefined : 'unsupported_transfer_coding';
}

/**
 * Whether a request has the one `Host` header that HTTP/1.1 asks for; HTTP/1.0 may do without.
 *
 * Source: RFC 9112 section 3.2
 */
function hasValidHost({ rawHeaders, httpVersionMinor }: IncomingMessage): boolean {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts === 1 || (hosts === 0 && httpVersionMinor === 0);
}

/** Whether the body's only transfer coding, if it has one, is `chunked`: another one would be dropped on the way with the header. */
export function isPlainlyFramed(headers: IncomingHttpHeaders): boolean {
  const coding: string | string[] | undefined = headers['transfer-encoding'];
  // Several headers are a list where undici read them.
  return coding === undefined || (typeof coding === 'string' && coding.toLowerCase() === 'chunked');
}

/** The upstream's words if Node can send them, else the standard ones; HTTP allows octets in them that Node refuses. */
export function reasonPhrase(status: number, given?: string): string {
  return given !== undefined && /^[\t\x20-\x7e]*$/.test(given) ? given : (STATUS_CODES[status] ?? '');
}

/** Header names that `Connection` headers (several, where undici read them) declare as meant for this hop only. */
function nominated(connection: string | string[] | undefined): Set<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined;
  // What frames or routes the message cannot be nominated away: it would change what the upstream reads.
  const names = String(connection)
    .split(',')
    .map((name) => name.trim().toLowerCase());
  return new Set(names.filter((name) => name !== 'content-length' && name !== 'host'));
}

function append(value: string | string[] | undefined, entry: string): string {
  return value === undefined || value.length === 0 ? entry : `${String(value)}, ${entry}`;
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
