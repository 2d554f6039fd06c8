import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { lines, unescape } from '../procfs/fields.ts';
import { readProcFile } from '../procfs/proc-file.ts';

/** The control group of this process in one hierarchy. */
export interface Cgroup {
  readonly version: 1 | 2;
  /** Such as `memory`, those that we read; of version 1 only, where each hierarchy has its own. */
  readonly controllers: readonly string[];
  /** Its directory. */
  readonly directory: string;
  /** Its own directory first, then those of its parents, as far up as this process can see. */
  readonly directories: readonly string[];
}

/**
 * Finds the control groups that `/proc/self/cgroup` names below the mounts that `/proc/self/mountinfo` lists. All of the three layouts
 * come out: version 2; version 1 with a hierarchy for one or several controllers; and both beside each other.
 *
 * Source: cgroups(7), proc_pid_mountinfo(5)
 *
 * @param memberships the text of `/proc/self/cgroup`.
 * @returns those whose directory is there; a container may see none.
 * @throws {SampleError} missing or unreadable mountinfo
 */
export function findCgroups(root: string, memberships: string): Cgroup[] {
  const mounts = parseMounts(readProcFile(join(root, 'proc/self/mountinfo')));
  return parseMemberships(memberships).flatMap(({ version, controllers, path }) => {
    for (const mount of mounts) {
      if (mount.version !== version || !controllers.every((name) => mount.options.includes(name))) continue;
      const steps = stepsBelow(mount.root, path);
      if (steps === undefined) continue;
      const directories = steps.map((_, index) => join(root, mount.point, ...steps.slice(0, index + 1))).reverse();
      const directory = directories[0] ?? '';
      if (existsSync(directory)) return { version, controllers, directory, directories };
    }
    return [];
  });
}

/** Controllers of version 1; `blkio` is `io` in version 2. */
const READ = ['cpu', 'cpuacct', 'memory', 'blkio', 'pids'];

interface Membership {
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
  readonly path: string;
}

/** Lines such as `3:cpu,cpuacct:/docker/12ab` and, of version 2, `0::/`; paths are those of our cgroup namespace. */
function parseMemberships(text: string): Membership[] {
  return lines(text).flatMap((line) => {
    const [, names, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (names === undefined || path === undefined) return [];
    if (names === '') return { version: 2, controllers: [], path };
    const controllers = names.split(',').filter((name) => READ.includes(name));
    return controllers.length === 0 ? [] : { version: 1, controllers, path };
  });
}

interface CgroupMount {
  readonly version: 1 | 2;
  /** Which control group of the hierarchy is mounted there. */
  readonly root: string;
  readonly point: string;
  /** Of a hierarchy of version 1, its controllers are among them. */
  readonly options: readonly string[];
}

function parseMounts(mountinfo: string): CgroupMount[] {
  return lines(mountinfo).flatMap((line) => {
    const [mount = '', filesystem = ''] = line.split(' - ');
    const [type, , options = ''] = filesystem.split(' ');
    const [, , , root, point] = mount.split(' ');
    if ((type !== 'cgroup' && type !== 'cgroup2') || root === undefined || point === undefined) return [];
    const version = type === 'cgroup' ? 1 : 2;
    return { version, root: unescape(root), point: unescape(point), options: options.split(',') };
  });
}

/**
 * The way down from what is mounted to a control group: '' first, for the mount itself.
 *
 * A container without a cgroup namespace of its own has the path that the host knows it by, and that path mounted as the root:
 * there the way is no step long. `..` is what lies outside of our namespace.
 *
 * @returns undefined if the control group is not below the mount.
 */
function stepsBelow(mountRoot: string, path: string): string[] | undefined {
  const base = mountRoot === '/' ? '' : mountRoot;
  if (path !== base && !path.startsWith(`${base}/`)) return undefined;
  const steps = path
    .slice(base.length)
    .split('/')
    .filter((step) => step !== '');
  return steps.includes('..') ? undefined : ['', ...steps];
}
