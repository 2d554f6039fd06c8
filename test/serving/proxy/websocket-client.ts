import type { TestContext } from 'node:test';
import { until } from '../../support/until.ts';

export interface OpenedWebSocket {
  readonly socket: WebSocket;
  /** In order. */
  readonly messages: readonly (string | Buffer)[];
  /** Waits until so many have come. */
  see(count: number): Promise<void>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string; readonly wasClean: boolean }>;
}

/** Resolves when it is open. @throws if it is refused. */
export async function openWebSocket(t: TestContext, url: string, protocols: string[] = []): Promise<OpenedWebSocket> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), protocols);
  socket.binaryType = 'arraybuffer';
  const messages: (string | Buffer)[] = [];
  socket.addEventListener('message', ({ data }) => {
    messages.push(typeof data === 'string' ? data : Buffer.from(data as ArrayBuffer));
  });
  const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener('close', resolve));
  t.after(() => socket.close());
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve());
    socket.addEventListener('error', () => reject(new Error('the WebSocket was refused')));
  });
  return {
    socket,
    messages,
    see: (count) => until(`${count} messages have come`, () => messages.length >= count),
    closed: closed.then(({ code, reason, wasClean }) => ({ code, reason, wasClean })),
  };
}

/** The head of a request for one, as bytes. */
export function askForWebSocket(path = '/chat', lines: readonly string[] = []): string {
  return [
    ...[`GET ${path} HTTP/1.1`, 'host: gateway', 'connection: Upgrade', 'upgrade: websocket'],
    ...['sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version: 13', ...lines, '', ''],
  ].join('\r\n');
}
