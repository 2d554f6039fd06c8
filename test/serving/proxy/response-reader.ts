/** A response as it was read, interim ones included. */
export interface ReadResponse {
  readonly status: number;
  /** In lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly trailers: readonly string[];
}

/**
 * Takes apart all that came on a connection, byte by byte: whatever does not belong to a response is an error.
 *
 * @param isHead whether the n-th final response is one to HEAD.
 * @returns the responses that are whole, and what comes behind a 101.
 */
export function readResponses(
  received: string,
  isHead: (n: number) => boolean = () => false,
): { responses: ReadResponse[]; rest: string } {
  const responses: ReadResponse[] = [];
  let at = 0;
  let finals = 0;
  for (;;) {
    const end = received.indexOf('\r\n\r\n', at);
    if (end < 0) return { responses, rest: received.slice(at) };
    const [first = '', ...lines] = received.slice(at, end).split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3}) [^\r\n]*$/.exec(first)?.[1]);
    if (Number.isNaN(status)) throw new Error(`no response: ${JSON.stringify(received.slice(at, at + 200))}`);
    const headers = Object.fromEntries(lines.map((line) => splitAt(line, ': ')).map(([k, v]) => [k.toLowerCase(), v]));
    const isFinal = status >= 200;
    const bare = !isFinal || isHead(finals) || status === 204 || status === 304;
    const content = bare ? { body: '', trailers: [], end: end + 4 } : readBody(received, end + 4, headers);
    if (content === undefined) return { responses, rest: received.slice(at) };
    responses.push({ status, headers, body: content.body, trailers: content.trailers });
    at = content.end;
    if (isFinal) finals++;
    if (status === 101) return { responses, rest: received.slice(at) };
  }
}

function readBody(received: string, from: number, headers: ReadResponse['headers']) {
  const end = from + Number(headers['content-length'] ?? NaN);
  if (headers['transfer-encoding'] === 'chunked') return readChunks(received, from);
  return received.length < end || Number.isNaN(end)
    ? undefined
    : { body: received.slice(from, end), trailers: [], end };
}

function readChunks(received: string, from: number) {
  const parts: string[] = [];
  for (let at = from; ;) {
    const line = received.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = received.slice(at, line);
    if (!/^[\da-f]+$/i.test(size)) throw new Error(`no chunk: ${JSON.stringify(size)}`);
    at = line + 2;
    if (Number.parseInt(size, 16) === 0) {
      const end = received.startsWith('\r\n', at) ? at : received.indexOf('\r\n\r\n', at) + 2;
      if (end < at || received.length < end + 2) return undefined;
      const trailers = received.slice(at, end).split('\r\n').slice(0, -1);
      return { body: parts.join(''), trailers, end: end + 2 };
    }
    const next = at + Number.parseInt(size, 16);
    if (received.length < next + 2) return undefined;
    parts.push(received.slice(at, next));
    at = next + 2;
  }
}

function splitAt(line: string, separator: string): [string, string] {
  const at = line.indexOf(separator);
  return [line.slice(0, at), line.slice(at + separator.length)];
}
