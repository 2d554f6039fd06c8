import { createServer, type ServerResponse } from 'node:http';
import { ANSWER, CHUNK, CHUNKS, LARGE_BODY, paths } from '../workload.ts';
import { serve } from '../../serving.ts';

// As cheap as `node:http` can be, so that it is the proxies that are compared.
const small = { 'content-type': 'application/json', 'content-length': ANSWER.length };
const large = { 'content-type': 'application/octet-stream', 'content-length': LARGE_BODY.length };
const stream = { 'content-type': 'text/event-stream' };

const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
  [paths.small]: (response) => response.writeHead(200, small).end(ANSWER),
  [paths.large]: (response) => response.writeHead(200, large).end(LARGE_BODY),
  [paths.stream]: (response) => writeChunks(response.writeHead(200, stream), CHUNKS),
};

await serve(
  createServer((request, response) => {
    request.resume().once('end', () => answers[request.url ?? '']?.(response));
  }),
);

/** Each in a turn of the event loop of its own, as tokens come. */
function writeChunks(response: ServerResponse, left: number): void {
  if (left === 0) return void response.end();
  response.write(CHUNK);
  setImmediate(writeChunks, response, left - 1);
}
