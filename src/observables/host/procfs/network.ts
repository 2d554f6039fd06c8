import { join } from 'node:path';
import { matcher } from '../../../std/wildcards.ts';
import type { ObservableGroup, Sample } from '../../observable.ts';
import { hostGroups, type HostSources } from '../host.ts';
import { lines, split, toNumbers } from '../../procfs/fields.ts';
import { decodeName } from './names.ts';
import { malformed, readProcFile } from '../../procfs/proc-file.ts';

/** Lines above the interfaces. */
const HEADER_LINES = 2;

/** Eight to receive, eight to transmit. */
const COLUMNS = 16;

/**
 * Network interfaces from /proc/net/dev.
 *
 * That is a link to the namespace of whoever reads it. Of a host whose root is mounted elsewhere, the namespace is that of its first
 * process. There is no way back to the link when that cannot be read: it would show our container as the host.
 */
export function createNetworkGroup(sources: Pick<HostSources, 'root' | 'networkInterfaces'>): ObservableGroup {
  const path = join(sources.root, sources.root === '/' ? 'proc/net/dev' : 'proc/1/net/dev');
  const isExcluded = matcher(sources.networkInterfaces.excluded);
  return {
    ...hostGroups.network,
    sample: (into) => {
      const rows = lines(readProcFile(path, 'latin1'));
      if (rows.length < HEADER_LINES) throw malformed(path, 'has no header');
      const seen = new Set<string>();
      for (const row of rows.slice(HEADER_LINES)) {
        // There need not be a space in between, and names of old have colons (aliases).
        const colon = row.lastIndexOf(':');
        const name = decodeName(row.slice(0, Math.max(colon, 0)).trim());
        if (seen.has(name) || isExcluded(name)) continue;
        seen.add(name);
        const numbers = toNumbers(split(row.slice(colon + 1)));
        if (name !== '' && numbers?.length === COLUMNS) writeInterface(into, name, numbers);
        else into.report(malformed(path, `has not ${COLUMNS} numbers for ${name === '' ? 'a line' : name}`));
      }
    },
  };
}

function writeInterface(into: Sample, name: string, numbers: readonly number[]): void {
  for (const [direction, column] of Object.entries({ receive: 0, transmit: COLUMNS / 2 })) {
    const [bytes, packets, errors, dropped] = numbers.slice(column);
    const attributes = { 'network.interface.name': name, 'network.io.direction': direction };
    into.write('system.network.io', bytes, attributes);
    into.write('system.network.packet.count', packets, attributes);
    into.write('system.network.packet.dropped', dropped, attributes);
    into.write('system.network.errors', errors, attributes);
  }
}
