import { join } from 'node:path';
import type { ObservableGroup } from '../../observable.ts';
import { createCpuShares, type CpuMode, type CpuTimes } from '../cpu-shares.ts';
import { hostGroups } from '../host.ts';
import { fieldsOf, toNumber } from '../../procfs/fields.ts';
import { malformed, readProcFile } from '../../procfs/proc-file.ts';

/** In the order of /proc/stat (proc_stat(5)). Before Linux 2.6.11 there is no steal; the columns of guests behind it are in user and nice. */
const MODES: readonly CpuMode[] = ['user', 'nice', 'system', 'idle', 'iowait', 'interrupt', 'softirq', 'steal'];

/** USER_HZ, which is 100 on every architecture that Node.js runs on. */
const TICKS_PER_SECOND = 100;

/** CPU time by mode from /proc/stat. */
export function createCpuGroup({ root }: { readonly root: string }): ObservableGroup {
  const path = join(root, 'proc/stat');
  const write = createCpuShares();
  return { ...hostGroups.cpu, sample: (into) => write(into, parse(path, readProcFile(path))) };
}

function parse(path: string, text: string): CpuTimes {
  const ticks = fieldsOf(text, 'cpu')?.map(toNumber);
  if (ticks?.[0] === undefined) throw malformed(path, 'has no line "cpu" with numbers');
  const known = MODES.flatMap((mode, column) => (ticks[column] === undefined ? [] : [[mode, ticks[column]] as const]));
  return {
    seconds: Object.fromEntries(known.map(([mode, value]) => [mode, value / TICKS_PER_SECOND])),
    logicalCount: onlineCpus(text) || undefined,
  };
}

/** The lines `cpu0` ... are at the beginning; what follows them is far longer on a big machine, and not looked at. Every line has an end. */
function onlineCpus(text: string): number {
  let cpus = 0;
  for (let start = 0; text.startsWith('cpu', start); start = text.indexOf('\n', start) + 1) {
    if (text[start + 3] !== ' ') cpus++;
  }
  return cpus;
}
