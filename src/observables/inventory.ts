import { readFile } from 'node:fs/promises';
import { arch, cpus, hostname, platform, release, version } from 'node:os';
import { join } from 'node:path';
import type { Attributes } from '@opentelemetry/api';

export interface InventoryOptions {
  /** Where the root directory of the host is, as `HostSources` has it. */
  readonly root: string;
}

/**
 * What the machine, its operating system, our container and our Node.js are: resource attributes by the semantic conventions. What cannot
 * be read is not there; never rejects and starts no process. `process.pid` is left out on purpose, as is whatever else changes with
 * each start: every series would be a new one then.
 *
 * On Linux, host and operating system are those below `root`; elsewhere there is no other root than our own.
 */
export async function readInventory({ root }: InventoryOptions): Promise<Attributes> {
  const read = async (path: string): Promise<string> => {
    try {
      return await readFile(path, 'utf8');
    } catch {
      return '';
    }
  };
  const isLinux = platform() === 'linux';
  const attributes: Attributes = {
    'host.name': hostname(),
    'host.arch': HOST_ARCH[arch()] ?? arch(),
    'os.type': OS_TYPE[platform()] ?? platform(),
    ...(isLinux ? await linux(root, read) : other()),
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
    'process.runtime.description': 'Node.js',
  };
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined && value !== ''));
}

/** Gives '' for what cannot be read. */
type Read = (path: string) => Promise<string>;

async function linux(root: string, read: Read): Promise<Attributes> {
  const [cpuinfo, l2CacheSize, osRelease, kernel, name, cgroup, mountinfo] = await Promise.all([
    read(join(root, 'proc/cpuinfo')),
    readL2CacheSize(root, read),
    read(join(root, 'etc/os-release')).then((text) => text || read(join(root, 'usr/lib/os-release'))),
    read(join(root, 'proc/sys/kernel/osrelease')),
    // What the kernel tells is the name of our container; this is the host's.
    root === '/' ? hostname() : read(join(root, 'etc/hostname')),
    read('/proc/self/cgroup'),
    read('/proc/self/mountinfo'),
  ]);
  const os = parseOsRelease(osRelease);
  return {
    'host.name': name.trim() || hostname(),
    ...cpu(cpuinfo),
    'host.cpu.cache.l2.size': l2CacheSize,
    'os.name': os.get('NAME'),
    'os.version': os.get('VERSION_ID'),
    'os.description': os.get('PRETTY_NAME'),
    'os.build_id': os.get('BUILD_ID') ?? kernel.trim(),
    'container.id': findContainerId({ cgroup, mountinfo }),
  };
}

function other(): Attributes {
  return {
    'host.cpu.model.name': cpus()[0]?.model.trim(),
    'os.version': release(),
    'os.description': version(),
  };
}

/** Of the first one; on ARM, say, the kernel gives other keys, and no name. */
function cpu(cpuinfo: string): Attributes {
  const of = (key: string): string | undefined => new RegExp(`^${key}[ \\t]*: *(.*\\S)`, 'm').exec(cpuinfo)?.[1];
  return {
    'host.cpu.vendor.id': of('vendor_id'),
    'host.cpu.family': of('cpu family'),
    'host.cpu.model.id': of('model'),
    'host.cpu.model.name': of('model name'),
    'host.cpu.stepping': of('stepping'),
  };
}

/** Bytes that one core can use. What /proc/cpuinfo calls `cache size` is the third level with some vendors. */
async function readL2CacheSize(root: string, read: Read): Promise<number | undefined> {
  const cache = join(root, 'sys/devices/system/cpu/cpu0/cache/index2');
  const [level, size] = await Promise.all([read(join(cache, 'level')), read(join(cache, 'size'))]);
  const kibibytes = /^(\d+)K$/.exec(size.trim())?.[1];
  return level.trim() === '2' && kibibytes !== undefined ? Number(kibibytes) * 1024 : undefined;
}

/**
 * Lines such as `NAME="Debian GNU/Linux"`, quoted and escaped as in a shell; the last one of a key counts.
 *
 * Source: os-release(5)
 */
export function parseOsRelease(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, key, value] = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*?)\s*$/.exec(line) ?? [];
    if (key === undefined || value === undefined) continue;
    const [, quote, quoted] = /^(["'])(.*)\1$/.exec(value) ?? [];
    // Nothing is escaped between single quotes.
    values.set(key, quote === "'" ? (quoted ?? '') : (quoted ?? value).replace(/\\(.)/g, '$1'));
  }
  return values;
}

/**
 * The 64 hexadecimal digits by which Docker, containerd, CRI-O and Podman know a container: the end of the path of a control group, or,
 * under a cgroup namespace, the directory that a file of the container is mounted from. In Kubernetes, that one is of the pod's sandbox.
 */
export function findContainerId({ cgroup, mountinfo }: Record<'cgroup' | 'mountinfo', string>): string | undefined {
  const inPath = /[/:-]([0-9a-f]{64})(?:\.scope)?(?:\/container)?$/m.exec(cgroup)?.[1];
  if (inPath !== undefined || mountinfo.includes('/kubelet/')) return inPath;
  return /containers\/([0-9a-f]{64})\/\S+ \/etc\/(?:hostname|hosts|resolv\.conf) /.exec(mountinfo)?.[1];
}

/** By Node's names. */
const HOST_ARCH: Readonly<Partial<Record<string, string>>> = { x64: 'amd64', ia32: 'x86', arm: 'arm32' };
const OS_TYPE: Readonly<Partial<Record<string, string>>> = { win32: 'windows', sunos: 'solaris' };
