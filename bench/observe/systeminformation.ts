import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import si from 'systeminformation';
import type { CaseOptions, Cases, ProbeCase } from '../case.ts';

type Calls = () => Promise<unknown>;

const five: Calls = () => Promise.all([si.currentLoad(), si.mem(), si.fsSize(), si.disksIO(), si.networkStats('*')]);
const six: Calls = () => Promise.all([five(), si.graphics()]);

/** The calls that give what our groups read, all at once. */
export const cases: Cases = {
  calls: (options) => calling(six, options),
  calls_without_gpus: (options) => calling(five, options),
};

/** It answers from what it has kept, if it is asked again within half a second. */
const EVERY_MS = 520;
const WARM_UP = 1;
const COUNTED = 3;
/** USER_HZ, which is 100 on every Linux of today. */
const TICK_MS = 10;

/** CPU time of this process, and of all that it has started and waited for, with what those have waited for. */
function calling(call: Calls, { quick }: CaseOptions): ProbeCase {
  return {
    probe: async () => {
      const counted = quick ? 1 : COUNTED;
      for (let i = 0; i < (quick ? 0 : WARM_UP); i++) await paced(call);
      const before = process.cpuUsage();
      const childrenBeforeMs = childrenMs();
      for (let i = 0; i < counted; i++) await paced(call);
      const { user, system } = process.cpuUsage(before);
      return { ms: ((user + system) / 1e3 + childrenMs() - childrenBeforeMs) / counted };
    },
  };
}

async function paced(call: Calls): Promise<void> {
  await Promise.all([call(), sleep(EVERY_MS)]);
}

/** Fields `cutime` and `cstime` of proc_pid_stat(5), 16 and 17; the second is in brackets, and may have blanks. */
function childrenMs(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
}
