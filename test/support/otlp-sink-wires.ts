import type { EventEmitter } from 'node:events';
import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createSecureServer, createServer, type ServerHttp2Stream } from 'node:http2';
import { encodeExportMetricsResponse } from '../../src/otlp/response.ts';

/** `status` if not given: UNAVAILABLE, or 503. */
export interface Refusal {
  readonly status?: number;
  readonly message?: string;
  /** RetryInfo of gRPC. */
  readonly retryAfterMs?: number;
  /** `Retry-After` of HTTP, and whatever else. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Instead of a google.rpc.Status; with gRPC, `status` and this are what a proxy answers that knows only HTTP. */
  readonly body?: string | Buffer;
}

export interface Partial {
  readonly rejectedPoints: number;
  readonly message: string;
}

export type Misanswer = 'garbage' | 'endless' | 'no_message' | 'no_status' | 'web_page';

/** One export on the wire, and the ways to answer it. */
export interface WireRequest {
  readonly remotePort: number | undefined;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Buffer>;
  /** As it comes. */
  readMessage(body: Buffer): { readonly message: Buffer; readonly compressed: boolean };
  tooLarge(bytes: number, bytesMax: number): Refusal & { readonly status: number };
  accept(partial?: Partial): void;
  refuse(refusal: Refusal): void;
  misanswer(how: Misanswer): void;
}

export interface WireTls {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
}

type OnRequest = (request: WireRequest) => void;

/** Takes the connections that it is told of by the event `connection`. */
export type Wire = EventEmitter & { close(): unknown };

const PAGE = '<!doctype html><title>It works!</title>';
/** No protobuf: a field that reaches past the end. */
const GARBAGE = Buffer.from([0x0a, 0x7f, 0x01]);
const ENDLESS_BYTES = 5 * 1024 * 1024;

/** Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
export function startGrpcWire(tls: WireTls | undefined, onRequest: OnRequest): Wire {
  const server = tls ? createSecureServer({ ...tls, ...clientCertificates(tls) }) : createServer();
  server.on('sessionError', () => {});
  server.on('tlsClientError', () => {});
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {}); // A client that gives up resets the stream.
    const unlessClosed =
      <T extends unknown[]>(answer: (...args: T) => void) =>
      (...args: T) => {
        if (!stream.closed) answer(...args);
      };
    onRequest({
      remotePort: stream.session?.socket.remotePort,
      path: String(headers[':path']),
      headers,
      body: stream as AsyncIterable<Buffer>,
      // One message: a flag, its length, itself.
      readMessage: (body) => ({
        compressed: body.readUInt8(0) === 1,
        message: body.subarray(5, 5 + body.readUInt32BE(1)),
      }),
      tooLarge: (bytes, bytesMax) => {
        return { status: 8, message: `grpc: received message larger than max (${bytes} vs. ${bytesMax})` };
      },
      accept: unlessClosed((partial) => grpcAnswer(stream, [frame(responseOf(partial))])),
      refuse: unlessClosed((refusal) => {
        if (refusal.body === undefined) stream.respond(grpcRefusal(refusal), { endStream: true });
        else {
          stream.respond({ ':status': refusal.status ?? 503, ...refusal.headers });
          stream.end(refusal.body);
        }
      }),
      misanswer: unlessClosed((how) => grpcMisanswer(stream, how)),
    });
  });
  return server;
}

const GRPC_HEAD = { ':status': 200, 'content-type': 'application/grpc' };

function grpcAnswer(stream: ServerHttp2Stream, frames: readonly Buffer[]): void {
  stream.respond(GRPC_HEAD, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.concat(frames));
}

function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** "Trailers-Only". */
function grpcRefusal({ status = 14, message, retryAfterMs, headers }: Refusal): Record<string, string | number> {
  const details = retryAfterMs !== undefined && rpcStatus({ status, message, retryAfterMs }).toString('base64');
  return {
    ...GRPC_HEAD,
    'grpc-status': String(status),
    ...(message !== undefined && { 'grpc-message': percentEncoded(message) }),
    ...(details !== false && { 'grpc-status-details-bin': details }),
    ...headers,
  };
}

/** Printable ASCII stays as it is. */
function percentEncoded(message: string): string {
  return message.replaceAll(/[^ -~]+|%/gu, (text) => encodeURIComponent(text));
}

function grpcMisanswer(stream: ServerHttp2Stream, how: Misanswer): void {
  if (how === 'garbage') grpcAnswer(stream, [frame(GARBAGE)]);
  else if (how === 'endless') grpcAnswer(stream, [frame(Buffer.alloc(ENDLESS_BYTES))]);
  else if (how === 'no_message') grpcAnswer(stream, []);
  else {
    const isPage = how === 'web_page';
    stream.respond(isPage ? { ':status': 200, 'content-type': 'text/html' } : GRPC_HEAD);
    stream.end(isPage ? PAGE : undefined);
  }
}

/** Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
export function startHttpWire(tls: WireTls | undefined, onRequest: OnRequest): Wire {
  const server = tls ? createHttpsServer({ ...tls, ...clientCertificates(tls) }) : createHttpServer();
  server.on('tlsClientError', () => {});
  server.on('request', (request, response) => {
    const end = (status: number, headers: Readonly<Record<string, string>>, body?: Uint8Array | string): void => {
      response.writeHead(status, { 'content-type': 'application/x-protobuf', ...headers }).end(body);
    };
    onRequest({
      remotePort: request.socket.remotePort,
      path: request.url ?? '',
      headers: request.headers,
      body: request as AsyncIterable<Buffer>,
      readMessage: (message) => ({ message, compressed: request.headers['content-encoding'] === 'gzip' }),
      tooLarge: () => ({ status: 413, message: 'the request is too large' }),
      accept: (partial) => end(200, {}, responseOf(partial)),
      refuse: ({ status = 503, message, retryAfterMs, headers = {}, body }) =>
        end(status, headers, body ?? rpcStatus({ message, retryAfterMs })),
      misanswer: (how) => {
        if (how === 'garbage') end(200, {}, GARBAGE);
        else if (how === 'endless') end(200, {}, Buffer.alloc(ENDLESS_BYTES));
        else if (how === 'no_message') end(200, {});
        else if (how === 'no_status') request.socket.destroy();
        else end(200, { 'content-type': 'text/html' }, PAGE);
      },
    });
  });
  return server;
}

/** Http.Server and the others know these by the same names. */
function clientCertificates({ ca }: WireTls): { requestCert?: boolean; rejectUnauthorized?: boolean } {
  return ca === undefined ? {} : { requestCert: true, rejectUnauthorized: true };
}

function responseOf(partial: Partial | undefined): Uint8Array {
  return encodeExportMetricsResponse(
    partial && { rejectedDataPoints: partial.rejectedPoints, errorMessage: partial.message },
  );
}

/** Source: google/rpc/status.proto, google/rpc/error_details.proto */
function rpcStatus({ status = 0, message = '', retryAfterMs }: Refusal): Buffer {
  const parts = [Buffer.from([0x08, status]), field(2, Buffer.from(message))];
  if (retryAfterMs !== undefined) {
    const [seconds, nanos] = [Math.floor(retryAfterMs / 1000), (retryAfterMs % 1000) * 1e6];
    const duration = Buffer.from([0x08, ...varint(seconds), 0x10, ...varint(nanos)]);
    const type = field(1, Buffer.from('type.googleapis.com/google.rpc.RetryInfo'));
    parts.push(field(3, Buffer.concat([type, field(2, field(1, duration))])));
  }
  return Buffer.concat(parts);
}

function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [128 + (value % 128), ...varint(Math.floor(value / 128))];
}
