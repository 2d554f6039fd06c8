import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { HostSources } from '../../../../src/observables/host/host.ts';

export const SERVER = machine('server');
export const OLD_KERNEL = machine('old-kernel');

/** The root of a recorded machine. */
function machine(name: string): string {
  return fileURLToPath(new URL(`../../../fixtures/proc/${name}`, import.meta.url));
}

/** A root directory that a test may change. */
export interface Tree extends Disposable {
  readonly root: string;
  write(path: string, text: string): void;
  /** One byte for each character. */
  writeBytes(path: string, text: string): void;
  /** Nothing can be read from a directory, not even as root. */
  makeUnreadable(path: string): void;
  remove(path: string): void;
}

export interface TreeOptions {
  /** After it, the tree is removed. */
  readonly test?: TestContext;
  /** A machine that it is a copy of at first; empty by default. */
  readonly like?: string;
}

export function createTree({ test, like }: TreeOptions = {}): Tree {
  const root = mkdtempSync(join(tmpdir(), 'metergate-tree-'));
  if (like !== undefined) cpSync(like, root, { recursive: true });
  const dispose = () => rmSync(root, { recursive: true, force: true });
  test?.after(dispose);
  const remove = (path: string) => rmSync(join(root, path), { recursive: true, force: true });
  const writeAs = (encoding: 'utf8' | 'latin1') => (path: string, text: string) => {
    remove(path);
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text, encoding);
  };
  return {
    root,
    remove,
    write: writeAs('utf8'),
    writeBytes: writeAs('latin1'),
    makeUnreadable: (path) => {
      remove(path);
      mkdirSync(join(root, path), { recursive: true });
    },
    [Symbol.dispose]: dispose,
  };
}

/** Everything of a machine. */
export function sourcesOf(root: string): HostSources {
  return {
    root,
    disks: { excluded: [] },
    filesystems: { types: ['ext3', 'ext4', 'overlay', 'vfat', 'xfs'], excluded: [] },
    networkInterfaces: { excluded: [] },
  };
}

export interface MountLine {
  /** Escaped as the kernel does. */
  readonly at: string;
  readonly source?: string;
  readonly type?: string;
  /** `major:minor`; that of the directory of temporary files, where trees are, by default. */
  readonly device?: string;
  readonly id?: number;
  readonly parent?: number;
  /** Of the mount, and of the filesystem. */
  readonly options?: readonly [string, string];
}

/** A line of /proc/PID/mountinfo. */
export function mountLine(mount: MountLine): string {
  const { at, source = '/dev/vda', type = 'ext4', device = deviceOf(tmpdir()), id = 100, parent = 1 } = mount;
  const [ofMount, ofFilesystem] = mount.options ?? ['rw', 'rw'];
  return `${id} ${parent} ${device} / ${at} ${ofMount},relatime shared:1 - ${type} ${source} ${ofFilesystem}\n`;
}

/** What `dev` of stat(2) is as `major:minor`. */
export function deviceOf(path: string): string {
  const { dev } = statSync(path);
  const [low, high] = [dev % 2 ** 20, Math.floor(dev / 2 ** 20)];
  return `${low >> 8}:${(low & 0xff) + high * 2 ** 8}`;
}
