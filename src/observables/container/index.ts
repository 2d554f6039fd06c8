import { existsSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { ObservableName } from '../../telemetry/instruments.ts';
import { SampleError, type ObservableGroup, type Sample } from '../observable.ts';
import { readProcFile } from '../procfs/proc-file.ts';
import { createCgroupFiles } from './cgroup-files.ts';
import { findCgroups, type Cgroup } from './cgroups.ts';
import { readCgroupV1 } from './cgroup-v1.ts';
import { readCgroupV2 } from './cgroup-v2.ts';
import { containerFields, type CgroupValues, type ContainerField, type ContainerValues } from './container.ts';
import { createDerivation } from './derived-values.ts';
import { createStackedDisks, type IsStacked } from './stacked-disks.ts';

/** For tests; what it is on this machine, if not given. */
export interface ContainerOptions {
  /** Where /proc/self and the mounts of the control groups are. */
  readonly root?: string;
  /** Of the machine. */
  readonly memoryBytes?: number;
}

const fields = Object.entries(containerFields) as [
  ContainerField,
  { instrument: ObservableName; attributes?: Record<string, string> },
][];

/** The control group that this process is in, of either version: what its container may have, and has. */
export function createContainerGroup({ root = '/', memoryBytes = totalmem() }: ContainerOptions = {}): ObservableGroup {
  const isStacked = createStackedDisks(root);
  let found: Found | undefined;

  const find = (memberships: string): Found => {
    const cgroups = findCgroups(root, memberships);
    if (cgroups.length === 0) throw nothingThere(memberships.trim().replaceAll('\n', ' '));
    // What the counters of others say cannot be compared.
    return { memberships, cgroups, derive: createDerivation(memoryBytes) };
  };

  return {
    name: 'container',
    instruments: [...new Set(fields.map(([, { instrument }]) => instrument))],
    sample: (into) => {
      const memberships = readMemberships(root);
      if (found?.memberships !== memberships) found = find(memberships);
      const { cgroups, derive } = found;
      const { values, failed } = read(cgroups, { isStacked, into });
      if (!fields.some(([field]) => Number.isFinite(values[field]))) {
        found = undefined;
        if (!failed) throw nothingThere(cgroups.map(({ directory }) => directory).join(', '));
      }
      const all = { ...values, ...derive(values) };
      for (const [field, { instrument, attributes }] of fields) into.write(instrument, all[field], attributes);
    },
  };
}

interface Found {
  readonly memberships: string;
  readonly cgroups: readonly Cgroup[];
  readonly derive: (values: CgroupValues) => ContainerValues;
}

function readMemberships(root: string): string {
  try {
    return readProcFile(join(root, 'proc/self/cgroup'));
  } catch (error) {
    // Where there is no /proc at all, that is what is wrong.
    const isOff = error instanceof SampleError && error.reason === 'missing' && existsSync(join(root, 'proc/self'));
    if (!isOff) throw error;
    throw new SampleError('unsupported', 'the kernel has no control groups', { cause: error });
  }
}

function nothingThere(where: string): SampleError {
  return new SampleError('unsupported', `this process sees nothing of its control groups (${where})`);
}

interface ReadFrom {
  readonly isStacked: IsStacked;
  readonly into: Sample;
}

function read(cgroups: readonly Cgroup[], { isStacked, into }: ReadFrom): { values: CgroupValues; failed: boolean } {
  let failed = false;
  const files = createCgroupFiles((error) => {
    failed = true;
    into.report(error);
  });
  const others = new Set(cgroups.flatMap(({ controllers }) => controllers));
  const values = cgroups.map((cgroup) =>
    cgroup.version === 1
      ? readCgroupV1(cgroup, { files, isStacked })
      : readCgroupV2(cgroup, { files, isStacked, others }),
  );
  return { values: Object.assign({}, ...values) as CgroupValues, failed };
}
