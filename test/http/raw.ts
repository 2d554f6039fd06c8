import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A request without a body, as bytes; the connection is closed after its answer. */
export function ask(method: string, path: string, ...lines: string[]): string {
  return [`${method} ${path} HTTP/1.1`, 'host: a', 'connection: close', ...lines, '', ''].join('\r\n');
}

/** The same on a connection that is kept. */
export function askOn(method: string, path: string, ...lines: string[]): string {
  return [`${method} ${path} HTTP/1.1`, 'host: a', ...lines, '', ''].join('\r\n');
}

/** A connection of its own on which this was sent, and nothing is read. It may be closed in whatever way. */
export function open(url: string, text: string): Socket {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').pause();
  socket.on('error', () => {});
  socket.write(text);
  return socket;
}

/** What comes on a connection of its own until it is closed. */
export async function say(url: string, text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let received = '';
  socket.setEncoding('utf8').on('data', (part: string) => (received += part));
  socket.write(text);
  await once(socket, 'close');
  return received;
}
