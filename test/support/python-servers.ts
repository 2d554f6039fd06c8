import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { interopProgram } from './interop.ts';
import { eventually, startProcess, type RunningProcess } from './processes.ts';

/** A model server of PyPI: `test/interop/setup.sh` makes a Python that has it and what it needs. */
export type PythonServer = 'mlserver' | 'bentoml' | 'mlflow';

export interface PythonServerOptions {
  readonly server: PythonServer;
  /** For its Python: `-m bentoml serve` and so on. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Answers 2xx when it is ready. */
  readonly readyUrl: string;
}

/** Modules are compiled when they are first imported, and there are a thousand of them. */
const READY_WITHIN_MS = 90_000;
/** They start processes of their own, which need not end with them: all are of one group, which is told by the first one's id. */
const LEAD =
  'import os, sys; os.setsid(); print("leads", flush=True); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])';
const ENV = {
  // Sets have one order in all of its processes: some of it shows in answers.
  PYTHONHASHSEED: '0',
  // Its lines come when they are written.
  PYTHONUNBUFFERED: '1',
  BENTOML_DO_NOT_TRACK: 'True',
  MLFLOW_DISABLE_TELEMETRY: 'true',
};

/** Starts a server and waits until it is ready. @throws when it does not become so, with all that it wrote; nothing of it is left then. */
export async function startPythonServer(options: PythonServerOptions): Promise<RunningProcess> {
  const leader = await startProcess({
    command: interopProgram(options.server),
    args: ['-c', LEAD, ...options.args],
    cwd: options.cwd,
    env: { ...ENV, ...options.env },
    ready: { line: /^leads$/m },
  });
  const killRest = (): void => killGroup(leader.pid);
  process.once('exit', killRest);
  const stop: RunningProcess['stop'] = async (stopOptions) => {
    const exit = await leader.stop(stopOptions);
    killRest();
    process.off('exit', killRest);
    return exit;
  };
  try {
    await becomesReady(leader, options.readyUrl);
  } catch (error) {
    await stop({ killAfterMs: 1_000 });
    const wrote = leader.stdout() + leader.stderr();
    throw new Error(`${options.server} did not become ready; it wrote:\n${wrote}`, { cause: error });
  }
  return { ...leader, stop };
}

/** Runs a script with the Python of a server. @throws when it fails, with what it wrote. */
export async function runPython(server: PythonServer, args: readonly string[]): Promise<void> {
  await promisify(execFile)(interopProgram(server), args, {
    timeout: READY_WITHIN_MS,
    env: { ...process.env, ...ENV },
  });
}

async function becomesReady(leader: RunningProcess, url: string): Promise<void> {
  let ended = false;
  void leader.exited.then(() => (ended = true));
  await eventually(
    async () => {
      if (ended) return 'ended';
      const answer = await fetch(url);
      await answer.arrayBuffer();
      return answer.ok ? 'ready' : undefined;
    },
    { withinMs: READY_WITHIN_MS },
  ).then((how) => {
    if (how === 'ended') throw new Error('ended');
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
