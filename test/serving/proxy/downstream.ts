import { once } from 'node:events';
import { request as httpRequest, type Agent, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { until } from '../../support/until.ts';

export interface SendOptions {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
  readonly agent?: Agent;
}

export interface Received {
  readonly status: number;
  readonly response: IncomingMessage;
  readonly body: Buffer;
}

/** Sends a whole request and reads the whole response. Rejects when the response is cut off. */
export async function send(url: string, options: SendOptions = {}): Promise<Received> {
  const response = await open(url, options);
  return { status: response.statusCode ?? 0, response, body: await buffer(response) };
}

/** Sends a whole request; resolves with the head of the response. */
export async function open(url: string, { body, agent, ...options }: SendOptions): Promise<IncomingMessage> {
  const request = httpRequest(url, { method: 'GET', ...options, agent: agent ?? false });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

export interface RawConnection {
  readonly socket: Socket;
  /** All bytes that came, as latin1. */
  received(): string;
  write(text: string | Buffer): void;
  /** Waits until the text has come. */
  see(text: string): Promise<void>;
  /** Resolves when the connection is closed, with how the other side did it. */
  readonly closed: Promise<'end' | 'error'>;
}

/** A connection on which the test says whatever it likes. */
export async function connectTo(t: TestContext, url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  let received = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (received += chunk));
  const closed = new Promise<'end' | 'error'>((resolve) => {
    socket.on('error', () => resolve('error'));
    socket.on('end', () => {
      resolve('end');
      socket.end();
    });
    socket.on('close', () => resolve('end'));
  });
  return {
    socket,
    received: () => received,
    write: (text) => void socket.write(text),
    see: (text) => until(`"${text}" comes`, () => received.includes(text)),
    closed,
  };
}

/** `POST` of a JSON body, as bytes. */
export function rawPost(path: string, body = '{}'): string {
  return `POST ${path} HTTP/1.1\r\nhost: gateway\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
