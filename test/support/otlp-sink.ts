import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import type { Snapshot } from '../../src/metric/model.ts';
import { reset } from '../../src/http/reset.ts';
import { decodeExportMetricsRequest } from '../../src/otlp/decode.ts';
import { startGrpcWire, startHttpWire, type Refusal, type WireRequest } from './otlp-sink-wires.ts';

/** What becomes of one export. `refuse`: UNAVAILABLE, or 503. `hang`: it is read, and no answer comes. */
export type SinkAnswer =
  | 'accept'
  | 'refuse'
  | 'hang'
  /** The connection is reset: when a part of the request has come; when all of it has, refused; when all of it has, and was accepted. */
  | 'reset_request'
  | 'reset_answer'
  | 'lose_answer'
  /** The receiver closes its half of the connection, and answers nothing. */
  | 'half_close'
  /** From now on nothing is read from this connection. */
  | 'freeze'
  /** Accepted, with an answer that is no message; with one that is too long; with a status and no message at all. */
  | 'garbage'
  | 'endless'
  | 'no_message'
  /** Not accepted: bytes that are not the protocol; an end without a status; a page of the web with status 200. */
  | 'garbled'
  | 'no_status'
  | 'web_page'
  /** A status of gRPC or HTTP. */
  | Refusal
  | { readonly rejectedPoints: number; readonly message: string }
  | { readonly delayMs: number; readonly then: SinkAnswer };

/** What is answered from now on; a function gets how many requests there were before. */
export type SinkBehaviour = SinkAnswer | ((requestsBefore: number) => SinkAnswer);

/** One export as it came. */
export interface ReceivedExport {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly compressed: boolean;
  /** The request, not compressed. */
  readonly messageBytes: Buffer;
  readonly snapshots: readonly Snapshot[];
  readonly answered: SinkAnswer;
  /** Whether the receiver keeps what is in it, whatever the sender heard of that. */
  readonly accepted: boolean;
}

export interface OtlpSinkOptions {
  /** `grpc` if not given. */
  readonly protocol?: 'grpc' | 'http/protobuf';
  /** A free one if not given; with it a sink can be down before it is up. */
  readonly port?: number;
  /** PEM. With `ca`, who shows no certificate of that authority is not let in. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
}

export interface OtlpSink {
  /** For a destination's `endpoint`. */
  readonly url: string;
  readonly port: number;
  /** In the order of their arrival, whatever was answered; but not what was not read to its end. */
  readonly exports: readonly ReceivedExport[];
  behaviour: SinkBehaviour;
  /** A request that is longer, as it comes, is refused as too large, in the words of grpc-go or with 413. */
  requestBytesMax: number;
  /** New connections are taken by the kernel, and that is all that happens to them: so a frozen process looks. */
  isFrozen: boolean;
  /** Open now. */
  readonly connections: number;
  /** Since the start. */
  readonly connectionsMade: number;
  /** For the next requests, before `behaviour` is asked again. */
  next(...answers: readonly SinkAnswer[]): void;
  /** Resolves when there have been so many exports. */
  received(count: number): Promise<void>;
  /** Nobody listens any more, and every connection is reset; `comeUp` listens on the same port again. Both idempotent. */
  goDown(): Promise<void>;
  comeUp(): Promise<void>;
  close(): Promise<void>;
}

/**
 * An OTLP metrics receiver that misbehaves on command, on bare HTTP/2 and HTTP/1.1, so that a test sees what no library shows: every
 * header, the compression, a call that is never answered, a connection that breaks.
 */
export async function startOtlpSink(options: OtlpSinkOptions = {}): Promise<OtlpSink> {
  const { protocol = 'grpc', tls, port: wantedPort = 0 } = options;
  const exports: ReceivedExport[] = [];
  const sockets = new Map<number | undefined, Socket>();
  const waiting = new Set<() => void>();
  const answers: SinkAnswer[] = [];
  let requests = 0;
  const sink = {
    behaviour: 'accept' as SinkBehaviour,
    requestBytesMax: Infinity,
    isFrozen: false,
    connectionsMade: 0,
  };
  const nextAnswer = (): SinkAnswer => {
    const before = requests++;
    return answers.shift() ?? (typeof sink.behaviour === 'function' ? sink.behaviour(before) : sink.behaviour);
  };

  const onRequest = async (request: WireRequest): Promise<void> => {
    const socket = sockets.get(request.remotePort);
    let answer = nextAnswer();
    if (answer === 'freeze') return void socket?.pause();
    const body = await readAll(request.body, answer === 'reset_request' ? 1 : Infinity).catch(() => undefined);
    // The sender went away in the middle.
    if (body === undefined) return;
    if (answer === 'reset_request') return void socket?.resetAndDestroy();
    const { message, compressed } = request.readMessage(body);
    if (message.length > sink.requestBytesMax) answer = request.tooLarge(message.length, sink.requestBytesMax);
    const delays = delayed(answer);
    const messageBytes = compressed ? gunzipSync(message) : message;
    exports.push(
      receivedExport({ request, compressed, messageBytes, answered: answer, accepted: isAccepted(delays.answer) }),
    );
    for (const check of [...waiting]) check();
    if (delays.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delays.delayMs).unref());
    if (socket && !socket.destroyed) deliver(delays.answer, request, socket);
  };
  const wire = (protocol === 'grpc' ? startGrpcWire : startHttpWire)(tls, (request) => void onRequest(request));

  /** In front of it, so that every connection can be had as it is. */
  const front = createTcpServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sink.connectionsMade++;
    const { remotePort } = socket;
    sockets.set(remotePort, socket);
    socket.on('close', () => sockets.delete(remotePort));
    socket.on('error', () => {});
    if (!sink.isFrozen) wire.emit('connection', socket);
  });
  const listen = async (port: number): Promise<number> => {
    front.listen(port, '127.0.0.1');
    await once(front, 'listening');
    return (front.address() as AddressInfo).port;
  };
  const goDown = async (): Promise<void> => {
    if (!front.listening) return;
    const closed = new Promise((resolve) => front.close(resolve));
    for (const socket of sockets.values()) reset(socket);
    await closed;
  };
  const port = await listen(wantedPort);

  const path = protocol === 'grpc' ? '' : '/v1/metrics';
  const fixed = {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}${path}`,
    port,
    exports,
    next: (...more: readonly SinkAnswer[]) => void answers.push(...more),
    received: (count: number) =>
      new Promise<void>((resolve) => {
        const check = (): void => {
          if (exports.length < count) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    goDown,
    comeUp: async () => {
      if (!front.listening) await listen(port);
    },
    get connections() {
      return sockets.size;
    },
    close: async () => {
      await goDown();
      wire.close();
    },
  };
  Object.defineProperties(sink, Object.getOwnPropertyDescriptors(fixed));
  return sink as typeof sink & typeof fixed;
}

async function readAll(body: AsyncIterable<Buffer>, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    if ((length += chunk.length) >= bytesMax) break;
  }
  return Buffer.concat(chunks);
}

function receivedExport({
  request: { path, headers },
  ...rest
}: Omit<ReceivedExport, 'path' | 'headers' | 'snapshots'> & { request: WireRequest }): ReceivedExport {
  let snapshots: readonly Snapshot[] | undefined;
  return {
    path,
    headers,
    ...rest,
    // Most tests do not look, and some send what is no export.
    get snapshots() {
      return (snapshots ??= decodeExportMetricsRequest(rest.messageBytes).snapshots);
    },
  };
}

function delayed(answer: SinkAnswer): { delayMs: number; answer: Exclude<SinkAnswer, { then: SinkAnswer }> } {
  if (typeof answer !== 'object' || !('then' in answer)) return { delayMs: 0, answer };
  const inner = delayed(answer.then);
  return { ...inner, delayMs: answer.delayMs + inner.delayMs };
}

function isAccepted(answer: SinkAnswer): boolean {
  if (typeof answer === 'object') return 'rejectedPoints' in answer;
  return ['accept', 'lose_answer', 'garbage', 'endless', 'no_message'].includes(answer);
}

function deliver(answer: Exclude<SinkAnswer, { then: SinkAnswer }>, request: WireRequest, socket: Socket): void {
  if (typeof answer === 'object') {
    if ('rejectedPoints' in answer) request.accept(answer);
    else request.refuse(answer);
    return;
  }
  switch (answer) {
    case 'accept':
      return request.accept();
    case 'refuse':
      return request.refuse({ message: 'try again later' });
    case 'reset_answer':
    case 'lose_answer':
      return void socket.resetAndDestroy();
    case 'half_close':
      return void socket.end();
    case 'garbled':
      return void socket.write('\u0015\u0003 these are not the bytes that you wait for\r\n\r\n');
    case 'garbage':
    case 'endless':
    case 'no_message':
    case 'no_status':
    case 'web_page':
      return request.misanswer(answer);
    case 'hang':
    case 'freeze':
    case 'reset_request':
  }
}
