import { createBackoff, type Backoff } from '../../../std/backoff.ts';
import type { GpuBackend } from '../gpu.ts';
import { limitsOf, type NvidiaSmiLimits } from './limits.ts';
import { createProgram } from './program.ts';
import { createReader } from './reader.ts';

export interface NvidiaSmiOptions {
  /** The program, or its name on the PATH. */
  readonly path: string;
  readonly intervalMs: number;
  readonly limits?: Partial<NvidiaSmiLimits>;
  /** From the end of one program to the start of the next. */
  readonly backoff?: Backoff;
  /** A sample finds something new now. */
  readonly onNews?: (() => void) | undefined;
}

/**
 * Reads NVIDIA's GPUs from one `nvidia-smi` that runs as long as the backend and writes a row for each of them every interval.
 * What goes wrong with it, and ends, is started again by `sample` when its back-off is over.
 *
 * It does not outlive a gateway that is killed: its next row then goes to a closed pipe, which ends it by SIGPIPE.
 */
export function createNvidiaSmiGpus({ path, intervalMs, onNews, ...options }: NvidiaSmiOptions): GpuBackend {
  const limits = limitsOf(intervalMs, options.limits);
  const program = createProgram({ path, intervalMs, limits, onNews, backoff: options.backoff ?? createBackoff() });
  const reader = createReader({ path, shownMs: limits.shownMs });
  return {
    name: 'nvidia-smi',
    start: () => program.start(),
    sample: (into) => {
      const run = program.running();
      // As a rule there is nothing to wait for.
      return run instanceof Promise ? run.then((current) => reader.read(current, into)) : reader.read(run, into);
    },
    close: (deadline) => program.close(deadline),
  };
}
