import { existsSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { ObservableName } from '../../telemetry/instruments.ts';
import { SampleError, type ObservableGroup, type Sample } from '../observable.ts';
import { createCgroupFiles } from './cgroup-files.ts';
import { findCgroups, type Cgroup } from './cgroups.ts';
import { readCgroupV1 } from './cgroup-v1.ts';
import { readCgroupV2 } from './cgroup-v2.ts';
import { containerFields, type CgroupValues, type ContainerField, type ContainerValues } from './container.ts';
import { createDerivation } from './derived-values.ts';
import { createOpenFiles, type OpenFiles } from './open-files.ts';
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
  const open = createOpenFiles();
  const isStacked = createStackedDisks(root);
  let found: Found | undefined;

  const find = (memberships: string): Found => {
    // Those of the control groups that this process was in.
    open.close();
    const cgroups = findCgroups(root, memberships);
    if (cgroups.length === 0) throw nothingThere(memberships.trim().replaceAll('\n', ' '));
    // What the counters of others say cannot be compared.
    return { memberships, cgroups, derive: createDerivation(memoryBytes) };
  };

  return {
    name: 'container',
    instruments: [...new Set(fields.map(([, { instrument }]) => instrument))],
    sample: (into) => {
      const memberships = readMemberships(root, open);
      if (found?.memberships !== memberships) found = find(memberships);
      const { cgroups, derive } = found;
      const { values, failed } = read(cgroups, { isStacked, open, into });
      if (!fields.some(([field]) => Number.isFinite(values[field]))) {
        found = undefined;
        if (!failed) throw nothingThere(cgroups.map(({ directory }) => directory).join(', '));
      }
      const all = { ...values, ...derive(values) };
      for (const [field, { instrument, attributes }] of fields) into.write(instrument, all[field], attributes);
    },
    close: () => open.close(),
  };
}

interface Found {
  readonly memberships: string;
  readonly cgroups: readonly Cgroup[];
  readonly derive: (values: CgroupValues) => ContainerValues;
}

function readMemberships(root: string, open: OpenFiles): string {
  try {
    return open.read(join(root, 'proc/self/cgroup'));
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
  readonly open: OpenFiles;
  readonly into: Sample;
}

function read(
  cgroups: readonly Cgroup[],
  { isStacked, open, into }: ReadFrom,
): { values: CgroupValues; failed: boolean } {
  let failed = false;
  const files = createCgroupFiles(open, (error) => {
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
