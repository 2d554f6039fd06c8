import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { serve } from '../serving.ts';
import { ANSWER } from '../proxy/workload.ts';
import { SLOW_MS } from './kinds.ts';

/** What the query of a request asks for; nothing in particular = the answer at once. */
const answers: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>> = {
  '?error': (request, response) => whenRead(request, () => response.writeHead(500).end('{"error":"as asked for"}')),
  '?slow': (request, response) => whenRead(request, () => setTimeout(() => response.end(ANSWER), SLOW_MS)),
  '?echo': (request, response) => request.pipe(response),
  /** Begins, and never comes to an end. */
  '?hold': (request, response) => whenRead(request, () => response.write(ANSWER)),
};

await serve(
  createServer((request, response) => {
    const { search } = new URL(request.url ?? '', 'http://upstream');
    const answer = answers[search] ?? ((): void => whenRead(request, () => response.end(ANSWER)));
    answer(request, response);
  }),
);

function whenRead(request: IncomingMessage, then: () => unknown): void {
  request.resume().once('end', then);
}
