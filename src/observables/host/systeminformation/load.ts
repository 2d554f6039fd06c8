import { loadavg, uptime } from 'node:os';
import type { ObservableGroup } from '../../observable.ts';
import { hostGroups } from '../host.ts';

const PERIODS = ['1m', '5m', '15m'] as const;

/** From Node.js, where systeminformation has it from, too: it costs a microsecond and cannot hang. */
export function createLoadGroup(platform: NodeJS.Platform): ObservableGroup {
  return {
    ...hostGroups.load,
    sample: (into) => {
      // Windows has no such thing, and Node.js says 0 for it.
      const loads = platform === 'win32' ? [] : loadavg();
      for (const [at, period] of PERIODS.entries()) {
        into.write('metergate.host.load_average', loads[at], { 'metergate.host.load.period': period });
      }
      into.write('system.uptime', uptime());
    },
  };
}
