import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createNetServer, type AddressInfo, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { UpstreamOptions } from '../../../src/serving/proxy/upstreams.ts';
import { freePort } from '../../support/processes.ts';
import { upstreamAt, type RunningProxy } from './running-proxy.ts';

/**
 * Where nobody listens. A port that was free a moment ago would do for one request, but where many are sent, another test that runs beside
 * this one may get it in the meantime.
 */
export const REFUSING = ['http://127.0.0.1:1', 'http://127.0.0.1:2', 'http://127.0.0.1:3'] as const;

export interface Replica {
  readonly url: string;
  /** Requests whose head came, in order. */
  readonly seen: readonly string[];
  /** SHA-256 of the bodies that came whole. */
  readonly bodies: readonly string[];
  /** How it answers from now on; `hold` waits for `release`. */
  mode: 'ok' | 'reset' | 'hold' | 'silent' | number;
  /** Answers what is held, and how many that was. */
  release(): number;
  /** Refuses connections, and closes those that there are. */
  down(): Promise<void>;
  up(): Promise<void>;
}

/** An HTTP server that is as well as the test says. Requests below `/health` are not written down. */
export async function startReplica(
  t: TestContext,
  answerHealth: () => number | undefined = () => 200,
): Promise<Replica> {
  const seen: string[] = [];
  const bodies: string[] = [];
  let held: (() => void)[] = [];
  const server = createHttpServer((request, response) => {
    if (request.url?.startsWith('/health')) {
      const status = answerHealth();
      if (status !== undefined) response.writeHead(status).end();
      return;
    }
    seen.push(`${request.method} ${request.url}`);
    const { mode } = replica;
    if (mode === 'reset') return void request.socket.resetAndDestroy();
    const hash = createHash('sha256');
    request.on('data', (chunk: Buffer) => hash.update(chunk));
    request.on('end', () => {
      bodies.push(hash.digest('hex'));
      if (mode === 'silent') return;
      const answer = (): void => void response.writeHead(typeof mode === 'number' ? mode : 200).end('ok');
      if (mode === 'hold') held.push(answer);
      else answer();
    });
  });
  const listen = async (port: number): Promise<number> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const down = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  // None of those that other tests are given, so that it is still free when it comes up again.
  const port = await listen(await freePort());
  t.after(down);
  const replica: Replica = {
    ...{ url: `http://127.0.0.1:${port}`, seen, bodies, mode: 'ok', down },
    release: () => {
      const answers = held;
      held = [];
      for (const answer of answers) answer();
      return answers.length;
    },
    up: async () => {
      await listen(port);
    },
  };
  return replica;
}

/** A server that is handed each connection as it comes. @returns how many came. */
export async function startSockets(
  t: TestContext,
  onSocket: (socket: Socket) => void,
): Promise<{ readonly url: string; readonly connections: () => number }> {
  const sockets: Socket[] = [];
  const server = createNetServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    onSocket(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, connections: () => sockets.length };
}

/** One upstream with these replicas, which nothing makes unhealthy unless `changes` say so. */
export function replicated(urls: readonly string[], changes: Partial<UpstreamOptions> = {}): UpstreamOptions {
  const { health } = upstreamAt('http://127.0.0.1:1');
  return upstreamAt('http://127.0.0.1:1', {
    urls: urls.map((url) => new URL(url)),
    health: { ...health, unhealthyAfter: 1_000 },
    ...changes,
  });
}

/** What the gauge says of a replica. */
export async function healthyOf({ telemetry }: RunningProxy, url: string): Promise<number | undefined> {
  const { hostname, port } = new URL(url);
  const where = { 'server.address': hostname, 'server.port': Number(port), 'inference.upstream.name': 'up' };
  const series = await telemetry.series('inference.upstream.healthy', where);
  return series.length === 1 ? series[0]?.value : undefined;
}

export const retried = ({ telemetry }: RunningProxy): Promise<number> =>
  telemetry.value('metergate.serving.requests.retried', { 'inference.upstream.name': 'up' });
