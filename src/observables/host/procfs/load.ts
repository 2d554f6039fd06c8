import { join } from 'node:path';
import type { ObservableGroup, Sample } from '../../observable.ts';
import { hostGroups } from '../host.ts';
import { split, toNumber, toNumbers } from '../../procfs/fields.ts';
import { readParts } from '../../procfs/parts.ts';
import { malformed, readProcFile } from '../../procfs/proc-file.ts';

const PERIODS = ['1m', '5m', '15m'] as const;

/** Load averages from /proc/loadavg and the uptime from /proc/uptime. */
export function createLoadGroup({ root }: { readonly root: string }): ObservableGroup {
  const loadavg = join(root, 'proc/loadavg');
  const uptime = join(root, 'proc/uptime');
  return {
    ...hostGroups.load,
    sample: (into) => readParts(into, [() => writeLoad(into, loadavg), () => writeUptime(into, uptime)]),
  };
}

function writeLoad(into: Sample, path: string): void {
  const averages = toNumbers(split(readProcFile(path)).slice(0, PERIODS.length));
  if (averages?.length !== PERIODS.length) throw malformed(path, 'does not begin with three numbers');
  for (const [index, period] of PERIODS.entries()) {
    into.write('metergate.host.load_average', averages[index], { 'metergate.host.load.period': period });
  }
}

function writeUptime(into: Sample, path: string): void {
  const seconds = toNumber(split(readProcFile(path))[0]);
  if (seconds === undefined) throw malformed(path, 'does not begin with a number');
  into.write('system.uptime', seconds);
}
