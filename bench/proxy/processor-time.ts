import { readdirSync, readFileSync } from 'node:fs';

/**
 * Of all threads of a process that are still there, in ms. Where the kernel does not tell (it is not Linux), it is the time of the
 * wall: then a process that waits counts as one that works.
 *
 * Source: Linux, Documentation/scheduler/sched-stats.rst, /proc/<pid>/schedstat
 */
export function processorMs(pid: number): number {
  if (process.platform !== 'linux') return performance.now();
  let ns = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [running = ''] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
    ns += Number(running);
  }
  return ns / 1e6;
}
