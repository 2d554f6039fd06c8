import { deadlineIn, within } from '../../std/deadline.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { ObservableName } from '../../telemetry/instruments.ts';
import { SampleError, type ObservableGroup, type Sample } from '../observable.ts';
import { asSampleError } from '../sample-health.ts';
import { createBackoff } from '../../std/backoff.ts';
import { openGpus, type GpuOptions } from './backends.ts';
import { gpuFields, type Gpu, type GpuBackend } from './gpu.ts';
import { createGpuSeries, distinct } from './series.ts';

export { openGpus, type GpuOptions, type OpenedGpus } from './backends.ts';
export { complete } from './series.ts';

/** For what is still being opened when it is to be closed. */
const CLOSE_MS = 1000;

/** GPUs, by whichever backend can read them here. One that cannot work now is tried again later, while samples go on. */
export function createGpuGroup(options: GpuOptions & { readonly logger: Logger }): ObservableGroup {
  const { logger, backoff = createBackoff() } = options;
  const series = createGpuSeries();
  let backend: GpuBackend | undefined;
  let opening: Promise<GpuBackend> | undefined;
  let failure: SampleError | undefined;
  let logged = '';
  let closed = false;
  let onNews: (() => void) | undefined;

  const log = (name: GpuBackend['name'], why: string): void => {
    const line = `${name}: ${why}`;
    if (line !== logged) logger.info('gpu backend', { backend: name, why });
    logged = line;
  };
  const open = async (): Promise<GpuBackend> => {
    const opened = await openGpus({ ...options, onNews: () => onNews?.() });
    if (closed) await opened.backend?.close(deadlineIn(CLOSE_MS));
    if (closed) throw new SampleError('other', 'GPUs are not read any more');
    // That there is none is logged as what this machine does not have.
    if (opened.backend === undefined) throw new SampleError('unsupported', opened.why);
    log(opened.backend.name, opened.why);
    backend = opened.backend;
    return backend;
  };
  const current = async (): Promise<GpuBackend> => {
    if (backend !== undefined) return backend;
    if (failure !== undefined && backoff.waits()) throw failure;
    try {
      opening = open();
      return await opening;
    } catch (error) {
      failure = asSampleError(error);
      backoff.failed();
      throw failure;
    }
  };

  const write = (read: readonly Gpu[], into: Sample): void => {
    const gpus = distinct(read, into);
    if (gpus.length === 0) return;
    if (into.writeLater === undefined) series.write(gpus, into.write);
    else into.writeLater((now) => series.write(gpus, now));
  };

  return {
    name: 'gpu',
    instruments,
    start: async (news) => {
      onNews = news;
      await current();
    },
    sample: (into) => {
      if (closed) return;
      const gpus = backend === undefined ? current().then((opened) => opened.sample(into)) : backend.sample(into);
      if (!(gpus instanceof Promise)) return write(gpus, into);
      return gpus.then((read) => write(read, into));
    },
    close: async (deadline) => {
      closed = true;
      // What is being opened is closed as soon as it is open.
      await within(deadlineIn(Math.min(CLOSE_MS, deadline.remainingMs())), Promise.allSettled([opening]));
      await backend?.close(deadline);
    },
  };
}

const instruments: readonly ObservableName[] = [
  ...new Set<ObservableName>([
    'metergate.gpu.info',
    'hw.status',
    ...Object.values(gpuFields).map(({ instrument }) => instrument),
  ]),
];
