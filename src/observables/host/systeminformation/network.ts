import { matcher } from '../../../std/wildcards.ts';
import type { NetworkInterfaceAnswer } from '../../systeminformation/answers.ts';
import type { SysteminformationClient } from '../../systeminformation/client.ts';
import { SampleError, type ObservableGroup, type Sample } from '../../observable.ts';
import { hostGroups, type HostSources } from '../host.ts';

/**
 * Interfaces that are up and have an address: others systeminformation does not find. Packets it does not count.
 */
export function createNetworkGroup(
  systeminformation: SysteminformationClient,
  platform: NodeJS.Platform,
  { excluded }: HostSources['networkInterfaces'],
): ObservableGroup {
  const isExcluded = matcher(excluded);
  /** Those of the sample before of which it said 0 everywhere. */
  let zeros = new Set<string>();

  return {
    ...hostGroups.network,
    sample: async (into) => {
      const before = zeros;
      zeros = new Set();
      const found = (await systeminformation.ask('networkInterfaces')).filter(({ iface }) => !isExcluded(iface));
      // One that has an alias, such as `eth0:1`, is there twice.
      const read = new Map(found.filter(isRead).map((one) => [one.iface, one]));
      for (const one of read.values()) writeInterface(into, one, platform);

      zeros = new Set(found.map(({ iface }) => iface).filter((name) => !read.has(name)));
      const unread = [...zeros].filter((name) => before.has(name));
      if (unread.length > 0 && read.size === 0) {
        throw new SampleError(
          'missing',
          'systeminformation can read no network interface, on Linux by `cat` from /sys',
        );
      }
      for (const name of unread) {
        into.report(new SampleError('unreadable', `systeminformation cannot read the network interface ${name}`));
      }
    },
  };
}

/**
 * Of one that it cannot read it says 0 everywhere. So does one that nothing has gone over, but with the time since it was read before:
 * the first time, they cannot be told apart.
 */
function isRead(one: NetworkInterfaceAnswer): boolean {
  const { ms, rx_bytes, rx_errors, rx_dropped, tx_bytes, tx_errors, tx_dropped } = one;
  return ms > 0 || [rx_bytes, rx_errors, rx_dropped, tx_bytes, tx_errors, tx_dropped].some((value) => value !== 0);
}

function writeInterface(into: Sample, one: NetworkInterfaceAnswer, platform: NodeJS.Platform): void {
  const directions = {
    receive: { bytes: one.rx_bytes, errors: one.rx_errors, dropped: one.rx_dropped },
    transmit: { bytes: one.tx_bytes, errors: one.tx_errors, dropped: one.tx_dropped },
  };
  for (const [direction, { bytes, errors, dropped }] of Object.entries(directions)) {
    const attributes = { 'network.interface.name': one.iface, 'network.io.direction': direction };
    into.write('system.network.io', bytes ?? undefined, attributes);
    into.write('system.network.errors', errors ?? undefined, attributes);
    // The one column of macOS is of what was to be sent; systeminformation takes it for both.
    if (platform === 'darwin' && direction === 'receive') continue;
    into.write('system.network.packet.dropped', dropped ?? undefined, attributes);
  }
}
