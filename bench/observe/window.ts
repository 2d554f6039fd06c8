import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { installNvidiaSmi } from './nvidia-smi.ts';
import type { Cost, Watched } from './watched.ts';

export interface WindowOptions {
  readonly warmUpMs: number;
  /** Between the first readings at their intervals and the window. */
  readonly settleMs: number;
  readonly windowMs: number;
}

/** What reads everything that this machine has, the same with GPUs, and what reads nothing. */
const kinds = ['main_thread', 'main_thread_with_gpus', 'idle'] as const;

const SCRIPT = fileURLToPath(new URL('watched.ts', import.meta.url));
/** Makes a process the first in a namespace of processes, which counts its own; who is not root needs one of users, too. */
const UNSHARE = [
  ...['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'],
  ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']),
];

/** All kinds at the same time. @returns figures: of those that read something what they cost beyond the one that does not. */
export async function watchWindow(
  { warmUpMs, settleMs, windowMs }: WindowOptions,
  progress: (line: string) => void,
): Promise<Record<string, number>> {
  const counts = canUnshare();
  if (!counts) progress('no namespaces are to be had here, so processes that are started are not counted');
  const nvidiaSmi = installNvidiaSmi();
  // So that one sample of the filesystems falls into the window: three times as many as by default.
  const watched = { nvidiaSmi: nvidiaSmi.path, filesystemIntervalMs: windowMs };
  const asked: Readonly<Record<(typeof kinds)[number], Watched | undefined>> = {
    main_thread: { ...watched, nvidiaSmi: undefined, warmUpMs },
    main_thread_with_gpus: { ...watched, warmUpMs },
    idle: undefined,
  };
  const processes = kinds.map((kind) => startWatched(counts ? UNSHARE : [], asked[kind]));
  const costs = (): Promise<Cost[]> => Promise.all(processes.map(({ cost }) => cost()));
  try {
    progress('warming up');
    await Promise.all(processes.map(({ ready }) => ready));
    await sleep(settleMs);
    progress(`everything at its default interval for ${windowMs / 1000} s`);
    const begin = await costs();
    await sleep(windowMs);
    return figuresOf(begin, await costs(), { windowMs, counts });
  } finally {
    for (const { stop } of processes) await stop();
    nvidiaSmi.remove();
  }
}

function figuresOf(begin: readonly Cost[], end: readonly Cost[], options: { windowMs: number; counts: boolean }) {
  const { windowMs, counts } = options;
  const grown = (kind: (typeof kinds)[number], key: keyof Cost): number => {
    const at = kinds.indexOf(kind);
    return (end[at]?.[key] ?? NaN) - (begin[at]?.[key] ?? NaN);
  };
  const msPerS = (kind: (typeof kinds)[number]): number => (grown(kind, 'mainThreadMs') / windowMs) * 1e3;
  const beyondIdle = kinds
    .filter((kind) => kind !== 'idle')
    .map((kind) => [`${kind}_ms_per_s`, msPerS(kind) - msPerS('idle')]);
  return {
    ...(Object.fromEntries(beyondIdle) as Record<string, number>),
    idle_ms_per_s: msPerS('idle'),
    ...(counts && { processes_started: grown('main_thread_with_gpus', 'lastPid') }),
  };
}

function canUnshare(): boolean {
  const [command, ...args] = [...UNSHARE, 'test', '-r', '/proc/sys/kernel/ns_last_pid'];
  return spawnSync(command, args).status === 0;
}

/** Ends with this process. */
function startWatched(prefix: readonly string[], watched: Watched | undefined) {
  const args = watched === undefined ? [] : [JSON.stringify(watched)];
  const [command = '', ...rest] = [...prefix, process.execPath, '--expose-gc', SCRIPT, ...args];
  const child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`a process that is watched has ended with ${String(code)}`);
  });
  ended.catch(() => {});
  const message = async (): Promise<Cost> => {
    const [answer] = (await Promise.race([once(child, 'message'), ended])) as [Cost];
    return answer;
  };
  return {
    ready: message(),
    cost: () => {
      child.send('cost');
      return message();
    },
    stop: async () => {
      if (child.connected) child.disconnect();
      await ended.catch(() => {});
    },
  };
}
