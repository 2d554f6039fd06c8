import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** As Java's HttpClient asks, with whatever method and body its first request on a connection has. */
export const H2C = [
  'Connection: Upgrade, HTTP2-Settings',
  'Upgrade: h2c',
  'HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA',
];
const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

/** Answers with what it got: upgrade headers, and the body. */
export const describe = (request: IncomingMessage, response: ServerResponse): void => {
  void buffer(request).then((body) => {
    const { connection, upgrade, 'http2-settings': settings = 'none' } = request.headers;
    const said = {
      upgrade: upgrade ?? 'none',
      settings,
      method: request.method,
      bytes: body.length,
      sha: sha256(body),
    };
    response.end(`${JSON.stringify({ ...said, asks: /upgrade/i.test(connection ?? '') })}\n`);
  });
};

/** Its answer. */
export const told = (method: string, body: Buffer | string = ''): string =>
  JSON.stringify({
    ...{ upgrade: 'none', settings: 'none', method, bytes: Buffer.byteLength(body), sha: sha256(body), asks: false },
  });
