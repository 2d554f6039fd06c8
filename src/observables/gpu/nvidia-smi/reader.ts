import { SampleError } from '../../observable.ts';
import type { Gpu, GpuSample } from '../gpu.ts';
import type { Run } from './run.ts';

/** More than a machine has; the oldest are forgotten. */
const KNOWN_MAX = 256;
/** In one message. */
const NAMES_MAX = 5;

/** Takes what the runs of the program read, and knows which GPUs there have been. */
export interface Reader {
  /** Those with rows that are fresh. @throws {SampleError} when there are none. */
  read(run: Pick<Run, 'readings' | 'malformed'>, into: GpuSample): Gpu[];
}

/** @param shownMs that a row is shown after it came. */
export function createReader({ path, shownMs }: { readonly path: string; readonly shownMs: number }): Reader {
  /** Each GPU that there was, by its id: one that is taken away is missed until the gateway starts anew. */
  const known = new Map<string, string>();

  return {
    read: (run, into) => {
      const malformed = run.malformed();
      if (malformed !== undefined) into.report(malformed);
      const gpus: Gpu[] = [];
      let oldestMs = 0;
      const listed = new Set<string>();
      for (const { who, gpu, faults, ageMs, missed } of run.readings()) {
        if (missed) continue;
        if (gpu !== undefined) listed.add(gpu.id);
        if (ageMs > shownMs) {
          into.report(new SampleError('timeout', `${who} has not been read for ${shownMs / 1000} s`));
          continue;
        }
        faults.forEach((fault) => into.report(fault));
        oldestMs = Math.max(oldestMs, ageMs);
        if (gpu !== undefined) gpus.push(gpu);
        else if (faults.length === 0) into.report(new SampleError('device', `${who} has no UUID`));
      }
      const gone: string[] = [];
      for (const [id, who] of known) if (!listed.has(id)) gone.push(who);
      if (gone.length > 0) into.report(missing(gone));
      for (const { id, name } of gpus) {
        if (known.has(id)) continue;
        known.set(id, `GPU ${name} (${id})`);
        if (known.size > KNOWN_MAX) known.delete(known.keys().next().value ?? '');
      }
      if (gpus.length === 0) throw new SampleError('device', `${path} reads no GPU`);
      into.takenAgo(oldestMs);
      return gpus;
    },
  };
}

function missing(names: readonly string[]): SampleError {
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : '';
  const who = names.slice(0, NAMES_MAX).join(', ');
  return new SampleError('device', `${who}${more} ${names.length === 1 ? 'is' : 'are'} not there any more`);
}
