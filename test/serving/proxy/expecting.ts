import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { RawConnection } from './downstream.ts';
import { INFER } from './running-proxy.ts';

export const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** A head that waits for a 100. */
export const asking = (lines: readonly string[], path = INFER): string =>
  [`POST ${path} HTTP/1.1`, 'host: a', 'expect: 100-continue', ...lines, '', ''].join('\r\n');
export const LENGTH_4 = asking(['content-length: 4']);

export const countOf = (downstream: RawConnection, text: string): number =>
  downstream.received().split(text).length - 1;

/** Says that it goes on, as Node's server does by itself, and then what it got. */
export const answerHash = (request: IncomingMessage, response: ServerResponse): void => {
  void buffer(request).then((body) => response.end(`${request.headers.expect} ${sha256(body)}`));
};
