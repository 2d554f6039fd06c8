import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import type { UpstreamOptions } from '../../../src/serving/proxy/upstreams.ts';
import { createAuthority } from './test-authority.ts';

/** What the upstreams of the tests are reached by. */
export const HERE = ['127.0.0.1', 'localhost'];
/** Issues what the upstreams of the tests have, unless they say otherwise. */
export const authority = createAuthority('authority of the test');
const ours = authority.issue({ names: HERE });

export interface TlsUpstream {
  readonly url: string;
  readonly seen: readonly string[];
  /** What names its connections asked for. */
  readonly serverNames: readonly (string | false)[];
  /** What they showed, in base64. */
  readonly certificates: readonly string[];
}

export async function startTlsUpstream(
  t: TestContext,
  options: ServerOptions = {},
  answer: RequestListener = (request, response) => void request.resume().on('end', () => response.end('ok')),
): Promise<TlsUpstream> {
  const seen: string[] = [];
  const serverNames: (string | false)[] = [];
  const certificates: string[] = [];
  const server = createServer({ ...ours, ...options }, (request, response) => {
    seen.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  server.on('secureConnection', (socket: TLSSocket & { servername: string | false }) => {
    serverNames.push(socket.servername);
    certificates.push(socket.getPeerX509Certificate()?.raw.toString('base64') ?? '');
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  return { url: `https://127.0.0.1:${port}`, seen, serverNames, certificates };
}

export interface Trust {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
}

/** As the configuration has it: in files, for as long as the test runs. */
export async function tlsOf(
  t: TestContext,
  { ca, cert, key, serverName }: Trust,
): Promise<NonNullable<UpstreamOptions['tls']>> {
  const folder = await mkdtemp(join(tmpdir(), 'metergate-tls-'));
  t.after(() => rm(folder, { recursive: true }));
  const fileOf = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };
  return {
    ...(ca !== undefined && { caFile: await fileOf('ca.pem', ca) }),
    ...(cert !== undefined && { certFile: await fileOf('cert.pem', cert) }),
    ...(key !== undefined && { keyFile: await fileOf('key.pem', key) }),
    ...(serverName !== undefined && { serverName }),
  };
}
