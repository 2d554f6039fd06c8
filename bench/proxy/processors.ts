import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Lists of numbers as `taskset` takes them. */
export interface Processors {
  /** The one that every proxy runs on, all of its threads, when it is its turn. */
  readonly proxies: string;
  /** All others: of the load, and of the upstream. */
  readonly load: string;
}

/**
 * One for the proxies and the rest for what is around them, so that a proxy cannot take from its own load, nor help itself to a second
 * processor for its collector of garbage. This process moves to the latter, and so do those that it starts from then on.
 *
 * @returns undefined where there are not two, or no `taskset`.
 */
export function divideProcessors(): Processors | undefined {
  const all = allowedProcessors();
  const [last, ...rest] = all.toReversed();
  if (last === undefined || rest.length === 0) return undefined;
  const processors = { proxies: String(last), load: rest.toReversed().join(',') };
  const moved = spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', processors.load, String(process.pid)]);
  return moved.status === 0 ? processors : undefined;
}

/** Empty where it is not Linux. */
function allowedProcessors(): number[] {
  if (process.platform !== 'linux') return [];
  const [, list = ''] = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return list.split(',').flatMap((range) => {
    const [first = NaN, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
