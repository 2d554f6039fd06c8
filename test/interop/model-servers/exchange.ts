import { once } from 'node:events';
import { request as httpRequest, type Agent, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/processes.ts';

/** For the news of a closed connection to come from one process of this machine to another. */
const DROP_MS = 50;

export interface Asking {
  /** GET, or POST where there is a body. */
  readonly method?: string;
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
  /**
   * The server closes the connection behind its answer and does not say that it will, as uvicorn does behind an exception that nothing
   * caught. Whoever asks on it next may get no answer, unless it is the gateway that keeps the connections: it uses that one no more.
   */
  readonly drops?: true;
}

export interface Answer {
  readonly status: number;
  readonly reason: string;
  /** In the order in which they came, names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  /** Whether the body came to its end. */
  readonly whole: boolean;
}

/** Sends a whole request and reads whatever comes. @param url of the server. */
export async function exchange(url: string, asking: Asking, agent?: Agent): Promise<Answer> {
  const response = await open(url, asking, agent);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch (error) {
    // Cut off in the middle; `complete` says so.
    if (!(error instanceof Error && 'code' in error && error.code === 'ECONNRESET')) throw error;
  }
  return {
    status: response.statusCode ?? 0,
    reason: response.statusMessage ?? '',
    headers: pairs(response.rawHeaders),
    body: Buffer.concat(chunks),
    whole: response.complete,
  };
}

/** Sends a whole request; resolves with the head of the response. */
export async function open(url: string, { body, headers, ...asking }: Asking, agent?: Agent): Promise<IncomingMessage> {
  const method = asking.method ?? (body === undefined ? 'GET' : 'POST');
  const request = httpRequest(url, { path: asking.path, method, headers: headers ?? {}, agent: agent ?? false });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

/** Sends what the server drops the connection behind, and waits until it has. @param dropped how many it has dropped so far. */
export async function untilDropped<T>(dropped: () => number, send: () => Promise<T>): Promise<T> {
  const before = dropped();
  const sent = await send();
  await eventually(() => dropped() > before || undefined);
  await sleep(DROP_MS);
  return sent;
}

/** A body of JSON. */
export function json(body: unknown): Pick<Asking, 'headers' | 'body'> {
  return {
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  };
}

function pairs(rawHeaders: readonly string[]): (readonly [string, string])[] {
  return rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), rawHeaders[i + 1] ?? ''] as const] : []));
}
