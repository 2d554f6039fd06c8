import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import type { Snapshot } from '../../src/metric/model.ts';
import { decodeExportMetricsRequest, encodeExportMetricsResponse } from '../../src/otlp/decode.ts';

/** One export as it came. */
export interface ReceivedExport {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly compressed: boolean;
  readonly snapshots: readonly Snapshot[];
}

/** `accept` answers OK, `refuse` UNAVAILABLE, `hang` nothing at all. */
export type SinkBehaviour = 'accept' | 'refuse' | 'hang';

export interface OtlpSink {
  /** For a destination's `endpoint`. */
  readonly url: string;
  /** In the order of their arrival, whatever was answered. */
  readonly exports: readonly ReceivedExport[];
  /** From now on. */
  behaviour: SinkBehaviour;
  /** Resolves when there have been so many exports. */
  received(count: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * An OTLP/gRPC metrics receiver on bare HTTP/2, so that a test sees what no gRPC library shows: every header, the compression,
 * a call that is never answered.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export async function startOtlpSink(): Promise<OtlpSink> {
  const exports: ReceivedExport[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const waiting = new Set<() => void>();
  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  const sink = { behaviour: 'accept' as SinkBehaviour };
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {}); // A client that gives up resets the stream.
    void readAll(stream).then((body) => {
      exports.push({ path: String(headers[':path']), headers, ...readMessage(body) });
      for (const check of waiting) check();
      if (sink.behaviour !== 'hang' && !stream.closed) answer(stream, sink.behaviour);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return Object.assign(sink, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    exports,
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
    close: async () => {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

async function readAll(stream: ServerHttp2Stream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** One message: a flag, its length, itself. */
function readMessage(body: Buffer): { compressed: boolean; snapshots: readonly Snapshot[] } {
  const compressed = body.readUInt8(0) === 1;
  const message = body.subarray(5, 5 + body.readUInt32BE(1));
  return { compressed, snapshots: decodeExportMetricsRequest(compressed ? gunzipSync(message) : message).snapshots };
}

function answer(stream: ServerHttp2Stream, behaviour: 'accept' | 'refuse'): void {
  const head = { ':status': 200, 'content-type': 'application/grpc' };
  if (behaviour === 'refuse') {
    stream.respond({ ...head, 'grpc-status': '14', 'grpc-message': 'try again later' }, { endStream: true });
    return;
  }
  const message = encodeExportMetricsResponse();
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  stream.respond(head, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(frame);
}
