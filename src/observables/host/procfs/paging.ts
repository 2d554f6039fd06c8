import { join } from 'node:path';
import type { ObservableGroup } from '../../observable.ts';
import { hostGroups } from '../host.ts';
import { fieldsOf, toNumber } from '../../procfs/fields.ts';
import { createMinorFaults } from '../../procfs/minor-faults.ts';
import { malformed, readProcFile } from '../../procfs/proc-file.ts';

/** Swapping, page faults and OOM kills from /proc/vmstat. Kernels before 4.13 do not count OOM kills. */
export function createPagingGroup({ root }: { readonly root: string }): ObservableGroup {
  const path = join(root, 'proc/vmstat');
  const minorFaults = createMinorFaults();
  return {
    ...hostGroups.paging,
    sample: (into) => {
      const text = readProcFile(path);
      const of = (key: string) => toNumber(fieldsOf(text, key)?.[0]);
      const all = of('pgfault');
      const major = of('pgmajfault');
      if (all === undefined || major === undefined) throw malformed(path, 'has no pgfault and pgmajfault');
      into.write('system.paging.operations', of('pswpin'), { 'system.paging.direction': 'in' });
      into.write('system.paging.operations', of('pswpout'), { 'system.paging.direction': 'out' });
      into.write('system.paging.faults', minorFaults(all, major), { 'system.paging.fault.type': 'minor' });
      into.write('system.paging.faults', major, { 'system.paging.fault.type': 'major' });
      into.write('metergate.host.oom_kills', of('oom_kill'));
    },
  };
}
