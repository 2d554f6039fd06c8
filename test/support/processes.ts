import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** What it wrote so far. */
  stdout(): string;
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL when it has not ended `killAfterMs` later (10 s if not given). Idempotent. */
  stop(options?: { killAfterMs?: number }): Promise<Exit>;
}

export interface ProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the environment of the test. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Ready when the URL answers 2xx, or when the pattern is found in what the process wrote to either stream. */
  readonly ready: { readonly url: string } | { readonly line: RegExp };
  /** A minute if not given. */
  readonly readyWithinMs?: number;
}

/**
 * Starts a child process and waits until it is ready. It is killed with the test process, should a test forget to stop it.
 *
 * @throws when it cannot be started, ends before it is ready or is not ready in time; with all that it wrote, and stopped.
 */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await once(child, 'spawn');
  const killWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', killWithUs);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exited = once(child, 'close').then(([code, signal]): Exit => {
    process.off('exit', killWithUs);
    return { code: code as Exit['code'], signal: signal as Exit['signal'] };
  });

  const running: RunningProcess = {
    pid: child.pid ?? 0,
    exited,
    stdout: () => stdout,
    stderr: () => stderr,
    kill: (signal) => void child.kill(signal),
    stop: ({ killAfterMs = 10_000 } = {}) => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
      return exited.finally(() => clearTimeout(timer));
    },
  };
  try {
    await becomesReady(running, options);
  } catch (error) {
    await running.stop({ killAfterMs: 1_000 });
    throw new Error(`${options.command} did not become ready; it wrote:\n${stdout}${stderr}`, { cause: error });
  }
  return running;
}

async function becomesReady(running: RunningProcess, { ready, readyWithinMs = 60_000 }: ProcessOptions): Promise<void> {
  const gone = running.exited.then(({ code, signal }) => {
    throw new Error(`ended with ${code === null ? (signal ?? 'no code') : `code ${code}`}`);
  });
  const isReady = async (): Promise<true | undefined> => {
    if ('line' in ready) return ready.line.test(running.stdout() + running.stderr()) || undefined;
    const answer = await fetch(ready.url);
    await answer.arrayBuffer();
    return answer.ok || undefined;
  };
  const stopWaiting = new AbortController();
  try {
    await Promise.race([gone, eventually(isReady, { withinMs: readyWithinMs, signal: stopWaiting.signal })]);
  } finally {
    stopWaiting.abort();
    // It may end any time from now on; that is not this race's to report.
    gone.catch(() => undefined);
  }
}

/**
 * Calls `attempt` every 25 ms until it gives something other than undefined; an attempt that throws is repeated too.
 *
 * @throws when that does not happen within `withinMs` (a minute if not given: never a measure of how fast something is); the cause is what the last attempt threw.
 */
export async function eventually<T>(
  attempt: () => Promise<T | undefined> | T | undefined,
  { withinMs = 60_000, signal }: { withinMs?: number; signal?: AbortSignal } = {},
): Promise<T> {
  const endMs = performance.now() + withinMs;
  let lastError: unknown;
  while (performance.now() < endMs && signal?.aborted !== true) {
    try {
      const value = await attempt();
      if (value !== undefined) return value;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    await sleep(25);
  }
  throw new Error(`not within ${withinMs} ms`, { cause: lastError });
}

/** Counts up, so that no port is given twice: two programs, or two listeners of one, that were given ports before either listens. */
let nextPort = randomInt(15_000, 32_000);

/**
 * A TCP port of 127.0.0.1 that nobody listens on now, and that neither this process nor another one that runs tests has been given. From
 * below the range that the kernel takes for outgoing connections, of which tests open thousands: one of those could have the port before
 * the program does that is to listen on it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = nextPort;
    nextPort = port === 31_999 ? 15_000 : port + 1;
    if ((await isFree(port)) && (await claim(port))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** The UDP port of the same number, which no program of a test needs, tells other processes that it is given, until this one ends. */
function claim(port: number): Promise<boolean> {
  const socket = createSocket('udp4').unref();
  return new Promise((resolve) => {
    socket.once('error', () => socket.close(() => resolve(false)));
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => resolve(true));
  });
}
