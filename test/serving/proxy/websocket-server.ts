import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TestContext } from 'node:test';

export interface WebSocketUpstream {
  readonly url: string;
  /** Requests for a WebSocket, in order. */
  readonly requests: readonly IncomingMessage[];
  /** Connections that became one. */
  readonly sockets: readonly Duplex[];
}

export interface WebSocketOptions {
  /** Speaks TLS. */
  readonly tls?: ServerOptions;
  /** Header lines of the 101. */
  readonly headers?: readonly string[];
  /** A message that leaves together with the head of the 101. */
  readonly greeting?: string;
  /** Does not close when the other side has. */
  readonly staysHalfOpen?: boolean;
  /** Answers what asks for no WebSocket. */
  readonly answer?: RequestListener;
}

export const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** A server that opens every WebSocket it is asked for, and says what it is told: messages as they came, closes, pongs. RFC 6455. */
export async function startWebSocketUpstream(
  t: TestContext,
  { tls, headers = [], greeting, staysHalfOpen = false, answer }: WebSocketOptions = {},
): Promise<WebSocketUpstream> {
  const requests: IncomingMessage[] = [];
  const sockets: Duplex[] = [];
  const server: Server = tls ? createHttpsServer(tls) : createServer();
  if (answer) server.on('request', answer);
  server.on('upgrade', (request, socket, head) => {
    requests.push(request);
    sockets.push(socket);
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${GUID}`).digest('base64');
    const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
    lines.push(`Sec-WebSocket-Accept: ${accept}`, ...headers, '', '');
    const first = greeting === undefined ? Buffer.alloc(0) : frame(OPCODE.text, greeting);
    socket.write(Buffer.concat([Buffer.from(lines.join('\r\n')), first]));
    if (!staysHalfOpen) socket.on('end', () => socket.end());
    echo(socket, head);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close().closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { url: tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`, requests, sockets };
}

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

function echo(socket: Duplex, head: Buffer): void {
  const read = frameReader(({ opcode, payload }) => {
    if (opcode === OPCODE.pong) return;
    const said = frame(opcode === OPCODE.ping ? OPCODE.pong : opcode, payload);
    if (opcode === OPCODE.close) socket.end(said);
    else socket.write(said);
  });
  socket.on('error', () => {}).on('data', read);
  read(head);
}

export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** One whole message. @param masked as a client has to send it. */
export function frame(opcode: number, payload: string | Buffer, { masked = false } = {}): Buffer {
  const bytes = Buffer.from(payload);
  const mask = masked ? randomBytes(4) : Buffer.alloc(0);
  const lengthBytes = bytes.length < 126 ? 0 : bytes.length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + lengthBytes);
  head[0] = 0x80 | opcode;
  head[1] = (masked ? 0x80 : 0) | (lengthBytes === 0 ? bytes.length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) head.writeUInt16BE(bytes.length, 2);
  if (lengthBytes === 8) head.writeBigUInt64BE(BigInt(bytes.length), 2);
  return Buffer.concat([head, mask, masked ? unmask(bytes, mask) : bytes]);
}

/** Puts frames together from the pieces in which they come; it takes each for a whole message. */
export function frameReader(onFrame: (frame: Frame) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (let taken = takeFrame(rest); taken !== undefined; taken = takeFrame(rest)) {
      rest = rest.subarray(taken.bytes);
      onFrame(taken);
    }
  };
}

function takeFrame(from: Buffer): (Frame & { readonly bytes: number }) | undefined {
  if (from.length < 2) return undefined;
  const short = from.readUInt8(1) & 0x7f;
  const lengthBytes = short < 126 ? 0 : short === 126 ? 2 : 8;
  const maskBytes = from.readUInt8(1) & 0x80 ? 4 : 0;
  const headBytes = 2 + lengthBytes + maskBytes;
  if (from.length < headBytes) return undefined;
  const length = lengthBytes === 0 ? short : lengthBytes === 2 ? from.readUInt16BE(2) : Number(from.readBigUInt64BE(2));
  const bytes = headBytes + length;
  if (from.length < bytes) return undefined;
  const payload = unmask(from.subarray(headBytes, bytes), from.subarray(headBytes - maskBytes, headBytes));
  return { opcode: from.readUInt8(0) & 0x0f, payload, bytes };
}

function unmask(bytes: Buffer, mask: Buffer): Buffer {
  return mask.length === 0 ? Buffer.from(bytes) : (bytes.map((byte, at) => byte ^ (mask[at % 4] ?? 0)) as Buffer);
}
