import childProcess from 'node:child_process';
import { errorText } from '../../std/error-text.ts';
import type { NvidiaSmiAnswer } from './answers.ts';

/**
 * Sees what `graphics()` gets from `nvidia-smi`, for of that it drops every 0 (an idle GPU has no utilization, then), and it cannot be
 * told from a field that is not available; and it drops all cards when one is lost, for `nvidia-smi` then ends with an error. What it
 * calls is replaced in the whole process, so this is for a process of its own, before systeminformation is loaded. Nor does it wait for a
 * program for ever any more: until then the event loop stands still, and it is not seen that nobody is left to ask.
 *
 * @returns what the last run wrote, once.
 */
export function tapNvidiaSmi({ timeoutMs = 3000 } = {}): () => NvidiaSmiAnswer | undefined {
  const { execFileSync } = childProcess;
  let seen: NvidiaSmiAnswer | undefined;

  const tapped = (program: string, args: readonly string[], options: object): string => {
    const fields = args.find((arg) => arg.startsWith(QUERY))?.slice(QUERY.length);
    const limited = { ...options, timeout: timeoutMs, killSignal: 'SIGKILL' } as const;
    const run = (): string => String(execFileSync(program, args, limited));
    if (fields === undefined) return run();
    try {
      seen = { fields: fields.split(','), output: run() };
    } catch (error) {
      const { code, status, signal, stdout } = error as Partial<SpawnSyncError>;
      // Where it is not installed, there is nothing to say of it.
      if (code === 'ENOENT') return '';
      const how = status == null ? (signal ?? code ?? errorText(error)) : `status ${status}`;
      const what = code === 'ETIMEDOUT' ? `did not end within ${timeoutMs} ms` : `ended with ${how}`;
      seen = { fields: fields.split(','), output: stdout?.toString() ?? '', error: `nvidia-smi ${what}` };
    }
    return seen.output;
  };
  Object.assign(childProcess, { execFileSync: tapped });

  return () => {
    const answer = seen;
    seen = undefined;
    return answer;
  };
}

const QUERY = '--query-gpu=';

/** What `execFileSync` throws, as the manual of Node.js has it and its types do not. */
interface SpawnSyncError {
  readonly code: string;
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer | string | null;
}
