import { existsSync } from 'node:fs';
import { platform } from 'node:os';
import { deadlineIn } from '../../std/deadline.ts';
import { SampleError } from '../observable.ts';
import type { Backoff } from '../../std/backoff.ts';
import type { GpuBackend } from './gpu.ts';
import { createNvidiaSmiGpus, type NvidiaSmiOptions } from './nvidia-smi/index.ts';
import { createSimulatedGpus } from './simulated.ts';

export interface GpuOptions {
  readonly intervalMs: number;
  /** `auto` = the first that finds what it reads here; or none, which is no failure. */
  readonly backend: 'auto' | GpuBackend['name'];
  readonly nvidiaSmi: Omit<NvidiaSmiOptions, 'intervalMs' | 'onNews'>;
  readonly simulated: { readonly gpus: number };
  /** One of these is there where the driver of NVIDIA is; on other systems than Linux that is not looked at. */
  readonly nvidiaPaths?: readonly string[];
  /** Between one attempt to open a backend and the next. */
  readonly backoff?: Backoff;
  /** Of a backend that goes at its own pace: a sample finds something new now. */
  readonly onNews?: () => void;
}

export interface OpenedGpus {
  /** Started, and the caller's to close; undefined if `auto` found none. */
  readonly backend: GpuBackend | undefined;
  /** Why this one, or why none: for people. */
  readonly why: string;
}

interface BackendDefinition {
  readonly create: (options: GpuOptions) => GpuBackend | Promise<GpuBackend>;
  /** For `auto`, which leaves out a backend without it. */
  readonly lookFor?: (options: GpuOptions) => { readonly isThere: boolean; readonly why: string };
}

/** The driver; its device, also where a container has no /proc of it; and the GPUs of Windows in WSL. */
const NVIDIA_PATHS = ['/proc/driver/nvidia/version', '/dev/nvidiactl', '/dev/dxg'];

/** In the order in which `auto` looks for them. */
const backends: Readonly<Record<GpuBackend['name'], BackendDefinition>> = {
  'nvidia-smi': {
    create: ({ nvidiaSmi, intervalMs, onNews }) => createNvidiaSmiGpus({ ...nvidiaSmi, intervalMs, onNews }),
    lookFor: ({ nvidiaPaths = platform() === 'linux' ? NVIDIA_PATHS : undefined }) => {
      if (nvidiaPaths === undefined) return { isThere: true, why: `it can be started on ${platform()}` };
      const found = nvidiaPaths.find((path) => existsSync(path));
      if (found === undefined) return { isThere: false, why: `there is none of ${nvidiaPaths.join(', ')}` };
      return { isThere: true, why: `there is ${found}` };
    },
  },
  systeminformation: {
    // It takes a while to load, and few need it.
    create: async () => (await import('./systeminformation.ts')).createSysteminformationGpus({}),
  },
  simulated: { create: ({ simulated }) => createSimulatedGpus(simulated) },
};

/** Chooses a backend and starts it. @throws {SampleError} when the one that is configured, or that has been found, cannot work. */
export async function openGpus(options: GpuOptions): Promise<OpenedGpus> {
  if (options.backend !== 'auto') return { backend: await open(options.backend, options), why: 'configured' };
  const reasons: string[] = [];
  for (const [name, { lookFor }] of Object.entries(backends) as [GpuBackend['name'], BackendDefinition][]) {
    const found = lookFor?.(options);
    if (found === undefined) continue;
    if (!found.isThere) {
      reasons.push(`${name}: ${found.why}`);
      continue;
    }
    try {
      return { backend: await open(name, options), why: `auto: ${found.why}` };
    } catch (error) {
      if (!(error instanceof SampleError) || error.reason !== 'missing') throw error;
      reasons.push(`${name}: ${found.why}, but ${error.message}`);
    }
  }
  return {
    backend: undefined,
    why: `no GPU found (${reasons.join('; ')}); observables.gpu.backend takes one all the same`,
  };
}

async function open(name: GpuBackend['name'], options: GpuOptions): Promise<GpuBackend> {
  const backend = await backends[name].create(options);
  try {
    await backend.start();
  } catch (error) {
    await backend.close(deadlineIn(1000));
    throw error;
  }
  return backend;
}
