import { complete, openGpus, type GpuOptions } from '../observables/gpu/index.ts';
import type { Gpu, GpuBackend } from '../observables/gpu/gpu.ts';
import { SampleError } from '../observables/observable.ts';
import { deadlineIn } from '../std/deadline.ts';
import { errorText } from '../std/error-text.ts';
import type { Environment } from './environment.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { gpuTable } from './gpu-table.ts';

export interface GpuCommandOptions {
  readonly backend: GpuOptions['backend'];
  /** The program, or its name on the PATH. */
  readonly nvidiaSmi: string;
  readonly json: boolean;
}

interface Seen {
  /** `null` = there is none that works here. */
  readonly backend: GpuBackend['name'] | null;
  /** That one, or none. */
  readonly why: string;
  readonly gpus: readonly Gpu[];
  readonly errors: readonly string[];
}

const INTERVAL_MS = 1_000;
/** There is no sample after this one to have them. */
const FIRST_ROWS_MS = 60_000;
const CLOSE_MS = 2_000;

/** Shows what the gateway would see of the GPUs here: one sample. */
export async function gpu({ json, ...options }: GpuCommandOptions, environment: Environment): Promise<ExitCode> {
  const seen = await look(options, environment.interrupted());
  const { backend, why, gpus, errors } = seen;
  if (json) {
    const shown = { ...seen, gpus: gpus.map((each) => ({ ...each, values: complete(each) })) };
    environment.stdout(`${JSON.stringify(shown, null, 2)}\n`);
  } else {
    environment.stdout(`backend: ${backend ?? 'none'} (${why})\n`);
    if (gpus.length > 0) environment.stdout(gpuTable(gpus));
    for (const error of errors) environment.stderr(`${error}\n`);
  }
  return gpus.length > 0 ? EXIT.done : EXIT.failed;
}

/** @param interrupted what was started is ended then, too: it has a group of processes of its own, which Ctrl-C does not reach. */
async function look(
  { backend: wanted, nvidiaSmi }: Omit<GpuCommandOptions, 'json'>,
  interrupted: Promise<void>,
): Promise<Seen> {
  const errors: string[] = [];
  const note = (error: unknown): void =>
    void errors.push(error instanceof SampleError ? error.message : errorText(error));
  try {
    const { backend, why } = await openGpus({
      backend: wanted,
      intervalMs: INTERVAL_MS,
      nvidiaSmi: { path: nvidiaSmi, limits: { waitMs: FIRST_ROWS_MS } },
      simulated: { gpus: 2 },
    });
    if (backend === undefined) return { backend: null, why, gpus: [], errors };
    try {
      const sampled = Promise.resolve(backend.sample({ report: note, takenAgo: () => {} }));
      const gpus = await Promise.race([sampled, interrupted.then(() => undefined)]);
      if (gpus === undefined) note('interrupted');
      return { backend: backend.name, why, gpus: gpus ?? [], errors };
    } catch (error) {
      note(error);
      return { backend: backend.name, why, gpus: [], errors };
    } finally {
      await backend.close(deadlineIn(CLOSE_MS));
    }
  } catch (error) {
    note(error);
    return { backend: null, why: `${wanted} does not work here`, gpus: [], errors };
  }
}
