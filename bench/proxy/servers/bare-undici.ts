import { createServer } from 'node:http';
import { Pool, type Dispatcher } from 'undici';
import { serve, upstreamUrl } from '../../serving.ts';

/** The least that can be called a proxy. It passes on what a proxy must not, and says nothing about what goes wrong. */
const pool = new Pool(upstreamUrl());
const server = createServer((request, response) => {
  const { url = '', headers } = request;
  const method = request.method as Dispatcher.HttpMethod;
  pool.stream(
    { path: url, method, headers, body: request },
    ({ statusCode, headers }) => response.writeHead(statusCode, headers),
    (error) => error && response.destroy(error),
  );
});
await serve(server);
