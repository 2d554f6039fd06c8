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

const READS = ['GET', 'HEAD'];
const TIMEOUT_MS = 30_000;
/** For all of an answer: Prometheus waits ten seconds for one by default. */
const ANSWER_TIMEOUT_MS = 120_000;
/** Requests that a connection may send before it has its answers. */
const WAITING_MAX = 32;
const FAILED = { error: 'the page could not be made' };
const MALFORMED = 'HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';

/** A listener for people and scrapers: a table of routes, 404 beside it, 405 for any method that a route does not have. */
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
  const onTimeout = (): void => void events.emit('answer timed out', { attributes: { 'metergate.listener': name } });
  for (const route of routes) if (route.method === undefined) mount(app, route, onTimeout);
  const byPath = new Map(routes.map((route) => [route.path, route]));
  const notFound = (request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    reply.code(404).send({ error: `no such path: ${pathOf(request)}` });
  app.setNotFoundHandler(notFound);
  // What a handler failed with is for the log, not for strangers.
  app.setErrorHandler((_error, _request, reply) => reply.code(500).send(FAILED));
  // Before anything looks at a body.
  app.addHook('onRequest', async (request, reply) => {
    if (!(await turns.wait(request.raw, reply.raw))) return reply.hijack();
    const route = byPath.get(pathOf(request));
    if (route?.method === undefined && READS.includes(request.method)) return;
    if (route === undefined) return notFound(request, reply);
    const allowed = route.method === undefined ? READS : [route.method];
    if (!allowed.includes(request.method)) return notAllowed(reply, allowed);
    // Nobody reads what came with it: Node.js throws that away behind the answer, which takes as long as it takes.
    reply.raw.setTimeout(ANSWER_TIMEOUT_MS);
    return answer(route, { request, reply, onTimeout });
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

function notAllowed(reply: FastifyReply, methods: readonly string[]): FastifyReply {
  const allowed = methods.join(', ');
  return reply
    .code(405)
    .header('allow', allowed)
    .send({ error: `only ${allowed} ${methods.length === 1 ? 'is' : 'are'} allowed here` });
}

function mount(app: FastifyInstance, route: Route, onTimeout: () => void): void {
  const handler = (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
    answer(route, { request, reply, onTimeout });
  app.route({ method: READS, url: route.path, handler });
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly onTimeout: () => void;
}

async function answer({ handle }: Route, { request, reply, onTimeout }: Exchange): Promise<FastifyReply> {
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
  return reply;
}

function toRouteRequest({ method, url, headers }: FastifyRequest): RouteRequest {
  const question = url.indexOf('?');
  return {
    method: method as RouteRequest['method'],
    query: question < 0 ? '' : url.slice(question + 1),
    headers: headers as RouteRequest['headers'],
  };
}
