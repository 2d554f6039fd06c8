import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Announcement } from './serving.ts';

/** A server in a process of its own, which ends with this process, however that one ends. */
export interface ServerProcess {
  readonly name: string;
  readonly url: string;
  /** Where it tells what it has counted, if it counts. */
  readonly metricsUrl: string | undefined;
  /** Of the process that does the work. */
  readonly pid: number;
  /** One question at a time. */
  ask(question: string): Promise<unknown>;
  /** Lets go of it: it ends by itself, and this process not before. */
  stop(): void;
}

export interface StartOptions {
  readonly name: string;
  readonly script: URL;
  readonly args?: readonly string[];
  /** Of Node.js itself. */
  readonly flags?: readonly string[];
  /** The only ones that it may use, as `taskset` takes them. */
  readonly processors?: string | undefined;
}

/** Resolves when it listens. */
export async function startServer(options: StartOptions): Promise<ServerProcess> {
  const { name, script, args = [], flags = [], processors } = options;
  const node = [process.execPath, ...flags, fileURLToPath(script), ...args];
  const [command = '', ...rest] = processors === undefined ? node : ['taskset', '--cpu-list', processors, ...node];
  const child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the server ${name} has ended with ${code}`);
  });
  ended.catch(() => {});
  const message = async (): Promise<unknown> => {
    const [answer] = (await Promise.race([once(child, 'message'), ended])) as [unknown];
    return answer;
  };
  const { url, metricsUrl, pid } = (await message()) as Announcement;
  return {
    name,
    url,
    metricsUrl,
    pid: pid ?? child.pid ?? 0,
    ask: (question) => {
      child.send(question);
      return message();
    },
    stop: () => child.connected && child.disconnect(),
  };
}
