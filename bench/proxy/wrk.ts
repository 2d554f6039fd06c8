import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers';
import { fileURLToPath } from 'node:url';
import { bodies, LARGE_BYTE, LARGE_BYTES, paths, type Path } from './workload.ts';

export interface Load {
  readonly url: string;
  readonly path: Path;
  readonly connections: number;
  /** It ends up to 100 ms later. */
  readonly ms: number;
}

export interface Answered {
  /** Answered in full. Those that were under way at the end, one per connection at most, are not counted. */
  readonly requests: number;
  readonly wallMs: number;
}

const SCRIPT = fileURLToPath(new URL('wrk.lua', import.meta.url));

/** As many requests as the connections carry, one after the other on each. Any that fails is an error. */
export async function wrk({ url, path, connections, ms }: Load): Promise<Answered> {
  const body =
    path === 'large'
      ? { BODY: LARGE_BYTE, REPEAT: String(LARGE_BYTES) }
      : { BODY: bodies[path].request.toString(), REPEAT: '1' };
  // It takes whole seconds only, and is told to end sooner.
  const seconds = Math.ceil(ms / 1_000) + 1;
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s', '-s', SCRIPT, `${url}${paths[path]}`];
  const child = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...body } });
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  const limit = setTimeout(() => child.kill('SIGINT'), ms);
  const [output, [code]] = await Promise.all([
    text(child.stdout),
    once(child, 'exit') as Promise<[number | null]>,
  ]).finally(() => {
    clearTimeout(limit);
    process.off('exit', kill);
  });
  const [line] = /^\{.*\}$/m.exec(output) ?? [];
  if (code !== 0 || line === undefined) throw new Error(`wrk ended with ${code}: ${output}`);
  const { errors, ...answered } = JSON.parse(line) as Answered & { readonly errors: number };
  if (errors > 0) throw new Error(`${errors} requests to ${url}${paths[path]} failed: ${output}`);
  return answered;
}
