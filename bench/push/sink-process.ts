import { once } from 'node:events';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { announce } from '../serving.ts';
import { receivedIn } from './received.ts';

/** Windows as wide as a receiver in Go makes them for itself in the end: nobody waits for the other's window. */
const WINDOW_BYTES = 16 << 20;
const PREFIX_BYTES = 5;
/** An `ExportMetricsServiceResponse` without fields: full success. */
const ANSWER = Buffer.alloc(PREFIX_BYTES);

/**
 * An OTLP/gRPC receiver that takes whatever comes, in a process of its own. It looks into what came when it is asked, and then forgets it:
 * meanwhile a sender has the other processors for itself.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
let bodies: Buffer[][] = [];
const server = createServer({ settings: { initialWindowSize: WINDOW_BYTES } });
server.on('session', (session) => session.setLocalWindowSize(WINDOW_BYTES));
server.on('stream', (stream: ServerHttp2Stream) => {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.once('end', () => {
    bodies.push(chunks);
    answer(stream);
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.on('message', () => {
  process.send?.(receivedIn(bodies.map((chunks) => Buffer.concat(chunks).subarray(PREFIX_BYTES))));
  bodies = [];
});
announce({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });

function answer(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(ANSWER);
}
