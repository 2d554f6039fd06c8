import { Readable } from 'node:stream';
import fastify, { type FastifyInstance } from 'fastify';
import type { Part } from '../std/part.ts';
import type { Events } from '../telemetry/events.ts';
import type { Route } from './routes.ts';
import { closeServer, limitConnections, listen, type Address } from './server.ts';

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

/** A listener for people and scrapers: a table of routes, 404 beside it, 405 for anything that is not a read. */
export function createListener({ name, address, routes, connectionsMax, events }: ListenerOptions): Listener {
  const app = fastify({ bodyLimit: 1024, exposeHeadRoutes: false, requestTimeout: 30_000 });
  for (const route of routes) mount(app, route);
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: `no such path: ${request.url.split('?')[0]}` }),
  );
  limitConnections(app.server, { name, connectionsMax, events });

  let url = '';
  return {
    name,
    get url() {
      return url;
    },
    start: async () => {
      await app.ready();
      url = await listen(app.server, { address, key: `listen.${name}` });
    },
    shutdown: async (deadline) => {
      await closeServer(app.server, deadline);
      await app.close();
    },
    ready: () => app.server.listening,
    status: () => ({ url }),
  };
}

function mount(app: FastifyInstance, { path, handle }: Route): void {
  app.route({
    method: METHODS,
    url: path,
    handler: async (_request, reply) => {
      const { status, contentType, body } = await handle();
      reply.code(status).header('content-type', contentType);
      return reply.send(typeof body === 'string' ? body : Readable.from(body, { objectMode: false }));
    },
  });
  const others = app.supportedMethods.filter((method) => !METHODS.includes(method));
  app.route({
    method: others,
    url: path,
    handler: (_request, reply) =>
      reply
        .code(405)
        .header('allow', METHODS.join(', '))
        .send({ error: `only ${METHODS.join(' and ')} are allowed here` }),
  });
}
