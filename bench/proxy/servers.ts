import { spawnSync } from 'node:child_process';
import { request } from 'undici';
import { divideProcessors } from './processors.ts';
import { startServer, type ServerProcess } from '../server-process.ts';
import { bodies, paths, type Path } from './workload.ts';

/** The upstream, then all that stand before it. */
export const names = ['upstream', 'bare_undici', 'fastify_http_proxy', 'nginx', 'gateway', 'telemetry_off'] as const;

export type ServerName = (typeof names)[number];

export interface Servers {
  /** Undefined if its program is not on this machine. */
  readonly find: (name: ServerName) => ServerProcess | undefined;
  stop(): void;
}

export interface StartOptions {
  readonly progress: (line: string) => void;
}

/** Starts every server in a process of its own and asks each for everything once: who answers wrongly is not measured. */
export async function startServers({ progress }: StartOptions): Promise<Servers> {
  const processors = divideProcessors();
  if (processors === undefined) progress('all share the processors: there is one only, or no taskset');
  const servers: ServerProcess[] = [];
  const stop = (): void => servers.forEach((server) => server.stop());
  try {
    for (const name of names) {
      if (name === 'nginx' && !isInstalled('nginx')) {
        progress('nginx is not here, so its ratio is left out (Debian has it in the package nginx)');
        continue;
      }
      const [upstream] = servers;
      const where = upstream === undefined ? processors?.load : processors?.proxies;
      const script = new URL(`servers/${name.replaceAll('_', '-')}.ts`, import.meta.url);
      servers.push(await startServer({ name, script, args: upstream ? [upstream.url] : [], processors: where }));
    }
    for (const server of servers) {
      for (const path of Object.keys(paths) as Path[]) await checkAnswer(server, path);
    }
  } catch (error) {
    stop();
    throw error;
  }
  return { find: (name) => servers.find((server) => server.name === name), stop };
}

export function isInstalled(program: string): boolean {
  return spawnSync(program, ['-v']).error === undefined;
}

async function checkAnswer({ name, url }: ServerProcess, path: Path): Promise<void> {
  const response = await request(`${url}${paths[path]}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: bodies[path].request,
  });
  const answer = Buffer.from(await response.body.arrayBuffer());
  if (response.statusCode === 200 && answer.equals(bodies[path].answer)) return;
  throw new Error(
    `${name} answered ${response.statusCode} with ${answer.length} bytes to ${paths[path]}, not as the upstream`,
  );
}
