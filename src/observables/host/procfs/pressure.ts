import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SampleError, type ObservableGroup, type Sample } from '../../observable.ts';
import { hostGroups } from '../host.ts';
import { readParts } from '../../procfs/parts.ts';
import { readProcFile, systemCode } from '../../procfs/proc-file.ts';
import { parseStalls, type Stalls } from '../../procfs/stalls.ts';

const RESOURCES = ['cpu', 'memory', 'io'] as const;

/** Pressure from /proc/pressure, which kernels before 4.20 do not have, and others only if they are started so. */
export function createPressureGroup({ root }: { readonly root: string }): ObservableGroup {
  const write = (into: Sample, resource: (typeof RESOURCES)[number]): void => {
    const { some, full } = stallsOf(root, resource);
    const attributes = { 'metergate.pressure.resource': resource };
    into.write('metergate.host.pressure.time', some, { ...attributes, 'metergate.pressure.stall': 'some' });
    into.write('metergate.host.pressure.time', full, { ...attributes, 'metergate.pressure.stall': 'full' });
  };
  return {
    ...hostGroups.pressure,
    sample: (into) =>
      readParts(
        into,
        RESOURCES.map((resource) => () => write(into, resource)),
      ),
  };
}

function stallsOf(root: string, resource: string): Stalls {
  const path = join(root, 'proc/pressure', resource);
  try {
    return parseStalls(path, readProcFile(path));
  } catch (error) {
    const code = systemCode(error);
    // Where there is no /proc at all, that is what is wrong.
    const isOff = code === 'EOPNOTSUPP' || (code === 'ENOENT' && existsSync(join(root, 'proc/stat')));
    throw isOff ? new SampleError('unsupported', `the kernel has no pressure information: no ${path}`) : error;
  }
}
