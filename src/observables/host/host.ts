import type { ObservableName } from '../../telemetry/instruments.ts';

/** What of the host is read, and from where. Patterns have the wildcards `*` and `?`. */
export interface HostSources {
  /** Where the root directory of the host is: `/`, or where a container has it mounted. */
  readonly root: string;
  readonly disks: { readonly excluded: readonly string[] };
  readonly filesystems: { readonly types: readonly string[]; readonly excluded: readonly string[] };
  readonly networkInterfaces: { readonly excluded: readonly string[] };
}

interface GroupDefinition {
  readonly name: string;
  readonly instruments: readonly ObservableName[];
}

/** The groups of the host, the same under every backend; one that a backend cannot read, it does not have. */
export const hostGroups = {
  cpu: {
    name: 'host.cpu',
    instruments: ['system.cpu.time', 'system.cpu.utilization', 'system.cpu.logical.count'],
  },
  load: { name: 'host.load', instruments: ['metergate.host.load_average', 'system.uptime'] },
  memory: {
    name: 'host.memory',
    instruments: [
      'system.memory.usage',
      'system.memory.limit',
      'system.memory.utilization',
      'system.memory.linux.available',
      'system.memory.linux.shared',
      'system.memory.linux.slab.usage',
      'system.paging.usage',
      'system.paging.utilization',
    ],
  },
  paging: {
    name: 'host.paging',
    instruments: ['system.paging.operations', 'system.paging.faults', 'metergate.host.oom_kills'],
  },
  disk: {
    name: 'host.disk',
    instruments: [
      'system.disk.io',
      'system.disk.operations',
      'system.disk.merged',
      'system.disk.operation_time',
      'system.disk.io_time',
    ],
  },
  filesystem: {
    name: 'host.filesystem',
    instruments: [
      'system.filesystem.usage',
      'system.filesystem.limit',
      'system.filesystem.utilization',
      'metergate.host.filesystem.inode.usage',
    ],
  },
  network: {
    name: 'host.network',
    instruments: [
      'system.network.io',
      'system.network.packet.count',
      'system.network.packet.dropped',
      'system.network.errors',
    ],
  },
  pressure: { name: 'host.pressure', instruments: ['metergate.host.pressure.time'] },
} as const satisfies Record<string, GroupDefinition>;
