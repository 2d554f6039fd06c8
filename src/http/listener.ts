import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Deadline } from '../std/deadline.ts';
import type { Part } from '../std/part.ts';
import type { Events } from '../telemetry/events.ts';
import { sendParts } from './parts.ts';
import type { Route, RouteRequest } from './routes.ts';
import { createConnections, listen, type Address } from './server.ts';
import { createTurns } from './turns.ts';

export interface ListenerOptions {
  /** Of the listener, as in the configuration key `listen.<name>`. */
  readonly name: string;
  readonly address: Address;
  readonly routes: readonly Route[];
  readonly connectionsMax: number;
  readonly events: Events;
}

export interface Listener extends Part {
  /** Where it listens, once started. */
  readonly url: string;
}

const METHODS = ['GET', 'HEAD'];
const TIMEOUT_MS = 30_000;
/** For all of an answer: Prometheus waits ten seconds for one by default. */
const ANSWER_TIMEOUT_MS = 120_000;
/** Requests that a connection may send before it has its answers. */
const WAITING_MAX = 32;
const FAILED = { error: 'the page could not be made' };
const MALFORMED = 'HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';

/** A listener for people and scrapers: a table of routes, 404 beside it, 405 for anything that is not a read. */
export function createListener({ name, address, routes, connectionsMax, events }: ListenerOptions): Listener {
  const turns = createTurns(WAITING_MAX);
  const app = fastify({
    bodyLimit: 1024,
    exposeHeadRoutes: false,
    requestTimeout: TIMEOUT_MS,
    // Also ends a connection whose reader takes nothing of its page.
    connectionTimeout: TIMEOUT_MS,
    frameworkErrors: (_error, { raw: request }, { raw: response }) => {
      void turns.wait(request, response).then((isOpen) => {
        if (!isOpen) return;
        response.writeHead(400, { 'content-type': 'application/json; charset=utf-8' });
        response.end('{"error":"the path is malformed"}');
      });
    },
    // Not in the middle of an answer, or in place of one.
    clientErrorHandler: (_error, socket) => (turns.isBusy(socket) ? socket.destroy() : socket.end(MALFORMED)),
  });
  for (const route of routes)
    mount(app, route, () => events.emit('answer timed out', { attributes: { 'metergate.listener': name } }));
  const paths = new Set(routes.map(({ path }) => path));
  const notFound = (request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    reply.code(404).send({ error: `no such path: ${pathOf(request)}` });
  app.setNotFoundHandler(notFound);
  // What a handler failed with is for the log, not for strangers.
  app.setErrorHandler((_error, _request, reply) => reply.code(500).send(FAILED));
  // Before anything looks at a body.
  app.addHook('onRequest', async (request, reply) => {
    if (!(await turns.wait(request.raw, reply.raw))) return reply.hijack();
    if (METHODS.includes(request.method)) return;
    await (paths.has(pathOf(request)) ? notAllowed(reply) : notFound(request, reply));
  });
  const connections = createConnections(app.server, { name, connectionsMax, events, isBusy: turns.isBusy });

  let url = '';
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  const start = async (): Promise<void> => {
    await app.ready();
    url = await listen(app.server, { address, key: `listen.${name}` });
  };
  const stop = async (deadline: Deadline): Promise<void> => {
    await Promise.allSettled([starting]);
    await connections.close(deadline);
    await app.close();
  };
  return {
    name,
    get url() {
      return url;
    },
    start: () => (starting = start()),
    shutdown: (deadline) => (stopping ??= stop(deadline)),
    ready: () => app.server.listening && stopping === undefined,
    status: () => ({ url }),
  };
}

function pathOf({ url }: FastifyRequest): string {
  return url.split('?', 1)[0] ?? '';
}

function notAllowed(reply: FastifyReply): FastifyReply {
  const allowed = METHODS.join(', ');
  return reply
    .code(405)
    .header('allow', allowed)
    .send({ error: `only ${allowed} are allowed here` });
}

function mount(app: FastifyInstance, { path, handle }: Route, onTimeout: () => void): void {
  app.route({
    method: METHODS,
    url: path,
    handler: async (request, reply) => {
      const { status, contentType, headers = {}, body } = await handle(toRouteRequest(request));
      reply.code(status).headers(headers).header('content-type', contentType);
      if (typeof body === 'string') return reply.send(body);
      reply.hijack();
      const { raw } = reply;
      const writeHead = (): void => void raw.writeHead(status, { ...headers, 'content-type': contentType });
      try {
        await sendParts(raw, body, { writeHead, timeoutMs: ANSWER_TIMEOUT_MS, onTimeout });
      } catch {
        raw.writeHead(500, { 'content-type': 'application/json; charset=utf-8' });
        raw.end(JSON.stringify(FAILED));
      }
    },
  });
}

function toRouteRequest({ method, url, headers }: FastifyRequest): RouteRequest {
  const question = url.indexOf('?');
  return {
    method: method === 'HEAD' ? 'HEAD' : 'GET',
    query: question < 0 ? '' : url.slice(question + 1),
    headers: headers as RouteRequest['headers'],
  };
}
