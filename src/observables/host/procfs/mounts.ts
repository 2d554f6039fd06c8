import { join } from 'node:path';
import type { SampleError } from '../../observable.ts';
import { lines, unescape } from '../../procfs/fields.ts';
import { reachable, type MountPlace } from './mount-tree.ts';
import { decodeName, encodeName } from './names.ts';
import { asExpected } from '../../procfs/parts.ts';
import { malformed, readProcFile } from '../../procfs/proc-file.ts';

/** One line of /proc/PID/mountinfo (proc_pid_mountinfo(5)). */
export interface Mount extends MountPlace {
  /** As a path of the host, one character for each byte. */
  readonly mountPoint: string;
  /** What was mounted, often a path below /dev. */
  readonly source: string;
  readonly type: string;
  /** Of the filesystem, as stat(2) has it. */
  readonly dev: number;
  readonly mode: 'ro' | 'rw';
}

/** What is between the mount point and the filesystem are optional fields and a hyphen. */
const FIELDS_MIN = 6;

/**
 * The mounts of the host that can be reached, as its first process has them: ours can be others, also under systemd, which gives services
 * namespaces of their own. Where that may not be read (hidepid), they are taken from ours, as node_exporter does; of another root, those
 * below it.
 *
 * @returns reads them; what is wrong with a line is reported. It throws the SampleError of the first file when neither can be read.
 */
export function createMounts(root: string): (report: (error: SampleError) => void) => readonly Mount[] {
  const first = createMountFile(join(root, 'proc/1/mountinfo'), modeOf);
  const own = createMountFile(join(root, 'proc/self/mountinfo'), modeOfFilesystem);
  return (report) => {
    try {
      return first(report);
    } catch (error) {
      if (asExpected(error).reason === 'malformed') throw error;
      const mounts = readIfPossible(() => own(report));
      if (mounts === undefined) throw error;
      return root === '/' ? mounts : mounts.flatMap((mount) => below(encodeName(root), mount));
    }
  };
}

function readIfPossible<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    asExpected(error);
    return undefined;
  }
}

/** Mounts seldom change, and to parse them costs twice what the file does. */
function createMountFile(path: string, mode: Mode): ReturnType<typeof createMounts> {
  let last: { text: string; mounts: readonly Mount[] } | undefined;
  return (report) => {
    const text = readProcFile(path, 'latin1');
    if (last?.text === text) return last.mounts;
    const errors: SampleError[] = [];
    const mounts = parse(path, { text, mode, report: (error) => errors.push(error) });
    errors.forEach(report);
    last = errors.length === 0 ? { text, mounts } : undefined;
    return mounts;
  };
}

type Mode = (options: { mount: string; filesystem: string }) => Mount['mode'];

/** Whether the host can write there: both the mount and its filesystem have to be writable, as in /proc/mounts. */
const modeOf: Mode = ({ mount, filesystem }) => (isReadOnly(mount) || isReadOnly(filesystem) ? 'ro' : 'rw');

/** A mount in our view may be read-only for us alone, as the root of a host in a container is. */
const modeOfFilesystem: Mode = ({ filesystem }) => (isReadOnly(filesystem) ? 'ro' : 'rw');

function isReadOnly(options: string): boolean {
  return options.split(',').includes('ro');
}

interface MountInfo {
  readonly text: string;
  readonly mode: Mode;
  readonly report: (error: SampleError) => void;
}

function parse(path: string, { text, mode, report }: MountInfo): Mount[] {
  const all = lines(text);
  if (all.length === 0) throw malformed(path, 'has no mounts');
  const mounts = all.flatMap((line) => {
    const mount = parseLine(line, mode);
    if (mount === undefined) report(malformed(path, 'has a line that is no mount'));
    return mount ?? [];
  });
  return reachable(mounts);
}

function parseLine(line: string, mode: Mode): Mount | undefined {
  const fields = line.split(' ');
  const [id, parentId, device, , mountPoint, options] = fields;
  const hyphen = fields.indexOf('-', FIELDS_MIN);
  const [type, source, filesystemOptions] = hyphen === -1 ? [] : fields.slice(hyphen + 1);
  const [, major, minor] = /^(\d+):(\d+)$/.exec(device ?? '') ?? [];
  if (id === undefined || parentId === undefined || major === undefined || !mountPoint?.startsWith('/'))
    return undefined;
  if (options === undefined || type === undefined || source === undefined || filesystemOptions === undefined)
    return undefined;
  return {
    id,
    parentId,
    mountPoint: unescape(mountPoint),
    source: decodeName(unescape(source)),
    type: decodeName(unescape(type)),
    dev: makedev(Number(major), Number(minor)),
    mode: mode({ mount: options, filesystem: filesystemOptions }),
  };
}

/** makedev(3) of Linux. */
function makedev(major: number, minor: number): number {
  return major * 2 ** 8 + (minor % 2 ** 8) + Math.floor(minor / 2 ** 8) * 2 ** 20;
}

/** Seen from our own root, the mounts of the host are below its root. */
function below(root: string, mount: Mount): Mount[] {
  if (mount.mountPoint === root) return [{ ...mount, mountPoint: '/' }];
  if (!mount.mountPoint.startsWith(`${root}/`)) return [];
  return [{ ...mount, mountPoint: mount.mountPoint.slice(root.length) }];
}
