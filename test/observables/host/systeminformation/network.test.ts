import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createNetworkGroup } from '../../../../src/observables/host/systeminformation/network.ts';
import type { SampleError } from '../../../../src/observables/observable.ts';
import type { NetworkInterfaceAnswer } from '../../../../src/observables/systeminformation/answers.ts';
import { sampleOf } from '../sample.ts';
import { answering } from './client.ts';

const eth0 = {
  ...{ iface: 'eth0', ms: 60_000 },
  ...{ rx_bytes: 100, rx_errors: 1, rx_dropped: 2, tx_bytes: 200, tx_errors: 3, tx_dropped: 4 },
};
const unread = {
  iface: 'lo',
  ms: 0,
  rx_bytes: 0,
  rx_errors: 0,
  rx_dropped: 0,
  tx_bytes: 0,
  tx_errors: 0,
  tx_dropped: 0,
};

const on = (platform: NodeJS.Platform, ...found: NetworkInterfaceAnswer[]) =>
  sampleOf(createNetworkGroup(answering('networkInterfaces', found), platform, { excluded: ['veth*'] }));

describe('systeminformation network', () => {
  it('shows bytes, errors and what was dropped, but no packets', async () => {
    assert.deepEqual((await on('linux', eth0)).values, {
      'system.network.io': { 'eth0 receive': 100, 'eth0 transmit': 200 },
      'system.network.errors': { 'eth0 receive': 1, 'eth0 transmit': 3 },
      'system.network.packet.dropped': { 'eth0 receive': 2, 'eth0 transmit': 4 },
    });
  });

  it('leaves out what is null or NaN, and shows the rest', async () => {
    const { values } = await on('linux', { ...eth0, rx_bytes: null, tx_errors: NaN });
    assert.deepEqual(values['system.network.io'], { 'eth0 transmit': 200 });
    assert.deepEqual(values['system.network.errors'], { 'eth0 receive': 1 });
  });

  it('shows on macOS only what of that which was to be sent was dropped', async () => {
    const { values } = await on('darwin', eth0);
    assert.deepEqual(values['system.network.packet.dropped'], { 'eth0 transmit': 4 });
  });

  describe('of zeros everywhere', () => {
    const nothing = { ...unread, ms: 60_000 };
    const missing = 'missing: systeminformation can read no network interface, on Linux by `cat` from /sys';
    const unreadable = 'unreadable: systeminformation cannot read the network interface lo';
    const cases: Record<string, { answers: (NetworkInterfaceAnswer[] | Error)[]; says: (string | number)[] }> = {
      'are shown of one that was read before': { answers: [[nothing]], says: [2] },
      'are not shown, nor reported, the first time: nothing may have gone over it': {
        answers: [
          [unread, eth0],
          [nothing, eth0],
        ],
        says: [2, 4],
      },
      'are reported, and not shown, the second time: it cannot be read': {
        answers: [
          [unread, eth0],
          [unread, eth0],
          [unread, eth0],
          [nothing, eth0],
        ],
        says: [2, `2 ${unreadable}`, `2 ${unreadable}`, 4],
      },
      'fail the sample the second time if none can be read': {
        answers: [[unread], [unread], [eth0, nothing]],
        says: [0, missing, 4],
      },
      'are of the first time again when there was no answer in between: another process says so then': {
        answers: [[unread, eth0], new Error('no answer'), [unread, eth0], [unread, eth0]],
        says: [2, 'undefined: no answer', 2, `2 ${unreadable}`],
      },
      'are not reported of one that is excluded': {
        answers: [[{ ...unread, iface: 'veth0' }], [{ ...unread, iface: 'veth0' }]],
        says: [0, 0],
      },
      'are not reported of an alias of one that was read': {
        answers: [
          [nothing, unread],
          [nothing, unread],
        ],
        says: [2, 2],
      },
    };
    for (const [what, { answers, says }] of Object.entries(cases)) {
      it(what, async () => {
        const group = createNetworkGroup(answering('networkInterfaces', ...answers), 'linux', { excluded: ['veth*'] });
        for (const expected of says) {
          const said = await sampleOf(group).then(
            ({ values, reports }) => {
              const series = Object.keys(values['system.network.io'] ?? {}).length;
              return reports.length === 0 ? series : `${series} ${reports.join()}`;
            },
            (error: unknown) => `${(error as SampleError).reason}: ${(error as SampleError).message}`,
          );
          assert.equal(said, expected);
        }
      });
    }
  });

  it('shows one that has an alias once, and none that is excluded', async () => {
    const { values } = await on('linux', eth0, eth0, { ...eth0, iface: 'veth1a2b' });
    assert.deepEqual(values['system.network.io'], { 'eth0 receive': 100, 'eth0 transmit': 200 });
  });
});
