import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { predict } from './classifier.ts';
import type { InferResult } from './ledger.ts';
import { type InferRequest, inferResponse, type Parsed, parseInferRequest } from './protocol.ts';
import { type Answer, unknownModel } from './routes.ts';

export interface InferExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborted when the connection is closed. */
  readonly gone: AbortSignal;
  /** Whether the path names the model and version that is served. */
  readonly toModel: boolean;
  readonly faults: boolean;
  /** Called when the model has classified so many rows. */
  readonly executed: (rows: number) => void;
}

const bodyBytesMax = 1024 * 1024;

/** Answers one infer request. Its one result is what this resolves to, as soon as it is known. */
export async function infer(exchange: InferExchange): Promise<InferResult> {
  const { socket } = exchange.request;
  try {
    return await answer(exchange);
  } catch (error) {
    // Reading, waiting and sending all reject when the connection is gone; nothing else here does.
    if (socket.destroyed) return 'aborted';
    throw error;
  }
}

async function answer({ request, response, gone, toModel, faults, executed }: InferExchange): Promise<InferResult> {
  const text = await readBody(request);
  if (!toModel) return await fail(unknownModel);
  if (text === undefined) return await fail(refusal(413, `the body is larger than ${bodyBytesMax} bytes`));
  const parsed = parse(text, faults);
  if (!parsed.ok) return await fail(refusal(400, parsed.error));

  const { id, rows, delayMs, holdMs, die } = parsed.value;
  await pause(delayMs, gone);
  const predictions = rows.map((row) => predict(row));
  executed(rows.length);
  const body = head(response, { status: 200, body: inferResponse(id, predictions) });
  if (holdMs === 0 && !die) return (await end(response, body, gone)) ? 'success' : 'aborted';

  const half = body.length >> 1;
  response.write(body.subarray(0, half));
  await pause(holdMs, gone);
  if (die) {
    request.socket.destroySoon(); // "soon": after what was written has gone out
    return 'died';
  }
  return (await end(response, body.subarray(half), gone)) ? 'success' : 'aborted';

  async function fail(answer: Answer): Promise<InferResult> {
    return (await end(response, head(response, answer), gone)) ? 'failure' : 'aborted';
  }
}

/** Rejects when the connection goes, and leaves no timer then. */
async function pause(ms: number, gone: AbortSignal): Promise<void> {
  if (ms > 0) await wait(ms, undefined, { signal: gone });
  else gone.throwIfAborted();
}

/** Writes status and headers. @returns the body, which is left to write. */
export function head(response: ServerResponse, { status, body, headers }: Answer): Buffer {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length, ...headers });
  return bytes;
}

/** @returns whether the last byte was handed over to the operating system. Rejects when the connection goes before that. */
async function end(response: ServerResponse, rest: Buffer, gone: AbortSignal): Promise<boolean> {
  gone.throwIfAborted();
  const { socket } = response.req;
  const finished = once(response, 'finish', { signal: gone });
  response.end(rest);
  await finished;
  return socket.errored === null; // Node 22 says "finish" also of a last write that failed
}

/** Reads to the end, whatever the size, so that every downstream is there to read the answer. @returns undefined if too large. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= bodyBytesMax) chunks.push(chunk);
  }
  return bytes > bodyBytesMax ? undefined : Buffer.concat(chunks).toString();
}

function parse(text: string, faults: boolean): Parsed<InferRequest> {
  const parsed = parseInferRequest(text);
  if (parsed.ok && parsed.value.die && !faults) {
    return { ok: false, error: 'parameters.die is for servers that are started with faults' };
  }
  return parsed;
}

function refusal(status: number, error: string): Answer {
  return { status, body: { error } };
}
