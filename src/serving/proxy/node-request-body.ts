import type { ClientRequest } from 'node:http';
import type { Readable } from 'node:stream';
import { errors } from 'undici';

export interface SendingListener {
  /** Who has to do something now, so that the body goes on: say more of it, or take more. */
  readonly onTurn: (side: 'downstream' | 'upstream') => void;
  /** It has been sent to its end, which is not said yet. */
  readonly onEnd: () => void;
  /** There will not be more of it, and it is not whole. */
  readonly onCut: (error: Error) => void;
}

/** Sends a body as it comes; an upstream that takes it slowly makes it wait. */
export function sendBody(request: ClientRequest, body: Readable, { onTurn, onEnd, onCut }: SendingListener): void {
  const onClose = (): void => onCut(body.errored ?? new errors.RequestAbortedError());
  // It can have broken while there was no connection.
  if (body.destroyed) return onClose();
  // An error comes before the close, which tells of both.
  body.on('error', () => {}).on('close', onClose);
  request.on('drain', () => {
    onTurn('downstream');
    body.resume();
  });
  body.on('data', (chunk: Buffer) => {
    if (request.write(chunk)) return onTurn('downstream');
    body.pause();
    onTurn('upstream');
  });
  body.on('end', () => {
    body.off('close', onClose);
    onEnd();
  });
  body.resume();
}
