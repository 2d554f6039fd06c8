import { choice, count, duration, filled, flag, flagOrAuto, list, patterns, section, text } from './kinds.ts';
import { matching } from './values.ts';

/** Filesystems that hold data; what the kernel makes up, and what a dead server can hang, is not among them. */
const FILESYSTEM_TYPES = [
  'apfs',
  'bcachefs',
  'btrfs',
  'exfat',
  'ext2',
  'ext3',
  'ext4',
  'f2fs',
  'hfs',
  'jfs',
  'ntfs',
  'ntfs3',
  'overlay',
  'reiserfs',
  'ufs',
  'vfat',
  'xfs',
  'zfs',
];

export function observables() {
  return section({
    host: host(),
    container: section({
      enabled: flag().default(true).describe('Whether they are read.'),
      interval: interval('10s'),
    })
      .prefault({})
      .describe('The control group (version 1 or 2) that the gateway runs in: limits, use, throttling, OOM kills.'),
    process: section({
      enabled: flag().default(true).describe('Whether they are read.'),
      interval: interval('10s'),
    })
      .prefault({})
      .describe('The process of the gateway itself, its Node.js and V8.'),
    gpu: gpu(),
  })
    .prefault({})
    .describe('Readings of the machine, sampled on timers; a collection shows the last sample.');
}

function host() {
  return section({
    enabled: flagOrAuto()
      .prefault('auto')
      .describe(
        'Whether they are read; auto = not in a Kubernetes pod, where every sidecar of a node would show the same.',
      ),
    backend: choice('auto', 'procfs', 'systeminformation')
      .default('auto')
      .describe('How they are read; auto = procfs where there is one, else systeminformation, which starts programs.'),
    root: text(matching(/^\/([^/]+(\/[^/]+)*)?$/), 'must be an absolute path without a slash at its end')
      .prefault('/')
      .describe(
        "Where the host's root directory is; /host, say, in a container that has it mounted there. procfs only.",
      ),
    interval: interval('5s'),
    disks: section({
      excluded: patterns()
        .default(['loop*', 'ram*', 'zram*', 'fd*', 'sr*'])
        .describe('Names of disks that are left out, * and ? being wildcards. Partitions always are.'),
    })
      .prefault({})
      .describe('Disks.'),
    filesystems: section({
      interval: interval('30s'),
      types: list(filled())
        .default(FILESYSTEM_TYPES)
        .describe(
          'Types of those that are read. One of a server that does not answer costs a thread of Node.js, of two at most.',
        ),
      excluded: patterns()
        .default([
          '/dev/*',
          '/proc/*',
          '/sys/*',
          '/run/*',
          '/var/lib/docker/*',
          '/var/lib/containers/*',
          '/var/lib/kubelet/*',
        ])
        .describe('Mount points that are left out, * and ? being wildcards.'),
    })
      .prefault({})
      .describe('Filesystems.'),
    network_interfaces: section({
      excluded: patterns()
        .default(['veth*', 'cali*', 'lxc*'])
        .describe('Names of network interfaces that are left out, * and ? being wildcards.'),
    })
      .prefault({})
      .describe('Network interfaces.'),
  })
    .prefault({})
    .describe('The machine: CPU, load, memory, paging, disks, filesystems, network, pressure.');
}

function gpu() {
  return section({
    enabled: flagOrAuto()
      .prefault('auto')
      .describe('Whether they are read; auto = where there are some, but not in a Kubernetes pod.'),
    backend: choice('auto', 'nvidia-smi', 'systeminformation', 'simulated')
      .default('auto')
      .describe('How they are read; auto = nvidia-smi where it is. simulated makes them up, for demos.'),
    interval: interval('1s'),
    nvidia_smi: section({
      path: filled().default('nvidia-smi').describe('The program, or its name on the PATH.'),
    })
      .prefault({})
      .describe('The backend nvidia-smi, which keeps one such program running.'),
    simulated: section({
      gpus: count(1, 64).default(2).describe('How many.'),
    })
      .prefault({})
      .describe('The backend simulated.'),
  })
    .prefault({})
    .describe('GPUs.');
}

/** Shorter ones cost more than they tell: the kernel counts CPU time in steps of 10 ms. */
function interval(byDefault: string) {
  return duration(250).prefault(byDefault).describe('From one sample to the next, at least 250ms.');
}
