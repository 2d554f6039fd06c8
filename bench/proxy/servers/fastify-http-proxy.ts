import httpProxy from '@fastify/http-proxy';
import { fastify } from 'fastify';
import { announce, upstreamUrl } from '../../serving.ts';

/** As its documentation has it. */
const server = fastify();
await server.register(httpProxy, { upstream: upstreamUrl() });
announce({ url: await server.listen({ host: '127.0.0.1', port: 0 }) });
