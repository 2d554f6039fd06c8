import { request as httpRequest, type Agent, type IncomingMessage } from 'node:http';
import type { Outcome } from '../../serving/proxy/outcome.ts';

/** One way of asking the gateway for something. */
export interface RequestKind {
  readonly path: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** When to walk away: after half of the request body has been sent, or when the head of a 2xx response is there. */
  readonly leave?: 'in_request' | 'in_response';
}

const row = [5.1, 3.5, 1.4, 0.2];
/** @param parameters that the example server knows. */
export const inferBody = (parameters?: Readonly<Record<string, number | boolean>>): string =>
  JSON.stringify({ parameters, inputs: [{ name: 'features', shape: [1, 4], datatype: 'FP64', data: row }] });

const MODEL = '/v2/models/iris/infer';
/** Long enough that the one who walks away is always the downstream. */
const HOLD_MS = 20_000;

export const good: RequestKind = { path: MODEL, body: inferBody() };
export const goodVersion: RequestKind = { path: '/v2/models/iris/versions/1/infer', body: inferBody() };
export const malformedJson: RequestKind = { path: MODEL, body: '{"inputs": [' };
export const wrongShape: RequestKind = {
  path: MODEL,
  body: JSON.stringify({ inputs: [{ name: 'features', shape: [1, 3] }] }),
};
export const unknownModel: RequestKind = { path: '/v2/models/not-there/infer', body: inferBody() };
export const malformedPath: RequestKind = { path: '/v2/models/%zz/infer', body: inferBody() };
export const leavesInRequest: RequestKind = { path: MODEL, body: inferBody(), leave: 'in_request' };
export const leavesInResponse: RequestKind = {
  path: MODEL,
  body: inferBody({ hold_ms: HOLD_MS }),
  leave: 'in_response',
};
/** Occupies the gateway for a while, so that many of them at once are more than the limit. */
export const slow: RequestKind = { path: MODEL, body: inferBody({ delay_ms: 250 }) };

/**
 * Sends one request and judges by what comes back, without asking the gateway what it counted.
 *
 * @returns the outcome as the one who asked sees it.
 * @throws if there is no answer at all, which is none of the outcomes.
 */
export function send(
  { path, body, headers, leave }: RequestKind,
  { url, agent }: { url: string; agent: Agent },
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let left = false;
    const request = httpRequest(new URL(url).origin, {
      agent,
      method: 'POST',
      path,
      headers: {
        ...headers,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        // The interim answer says that the gateway has read the head: from there on it must count the request.
        ...(leave === 'in_request' ? { expect: '100-continue' } : {}),
      },
    });
    const walkAway = (): void => {
      left = true;
      request.destroy();
      resolve('aborted');
    };
    request.on('continue', () => request.write(body.slice(0, body.length / 2), walkAway));
    request.on('response', (response) => {
      if (leave === 'in_response' && response.statusCode === 200) return walkAway();
      response.on('error', () => resolve('failure'));
      response.on('end', () => resolve(outcomeOf(response)));
      response.resume();
    });
    request.on('error', (error) => {
      if (!left) reject(error);
    });
    if (leave !== 'in_request') request.end(body);
    else request.flushHeaders();
  });
}

/** Our own answers carry `Proxy-Status`: a 502 or 504 stands for the upstream, any other is a refusal. */
function outcomeOf({ statusCode = 0, headers }: IncomingMessage): Outcome {
  const ours = headers['proxy-status'] !== undefined;
  if (ours && statusCode !== 502 && statusCode !== 504) return 'rejected';
  return statusCode < 400 ? 'success' : 'failure';
}
