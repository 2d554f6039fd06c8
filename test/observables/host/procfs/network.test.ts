import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { platform } from 'node:os';
import { describe, it } from 'node:test';
import { createNetworkGroup } from '../../../../src/observables/host/procfs/network.ts';
import { sampleOf } from '../sample.ts';
import { createTree, OLD_KERNEL, SERVER } from './tree.ts';

const all = { excluded: [] };
const HEADER = 'Inter-|   Receive | Transmit\n face |bytes |bytes\n';

describe('procfs network', () => {
  it('shows the columns of each interface, also when its name is glued to the first', async () => {
    const { values } = await sampleOf(
      createNetworkGroup({ root: SERVER, networkInterfaces: { excluded: ['veth*', '*.*'] } }),
    );
    assert.deepEqual(values, {
      'system.network.io': {
        'lo receive': 3193,
        'lo transmit': 3193,
        'eth0 receive': 1_008_154_374,
        'eth0 transmit': 3_595_182,
      },
      'system.network.packet.count': {
        'lo receive': 29,
        'lo transmit': 29,
        'eth0 receive': 46_666,
        'eth0 transmit': 31_822,
      },
      'system.network.errors': { 'lo receive': 0, 'lo transmit': 0, 'eth0 receive': 1, 'eth0 transmit': 7 },
      'system.network.packet.dropped': { 'lo receive': 0, 'lo transmit': 0, 'eth0 receive': 2, 'eth0 transmit': 8 },
    });
  });

  it('shows names with dots and colons, and counters of 64 bits', async () => {
    const server = await sampleOf(createNetworkGroup({ root: SERVER, networkInterfaces: all }));
    assert.equal(server.values['system.network.io']?.['eth0.100 receive'], 2 ** 64);
    const old = await sampleOf(createNetworkGroup({ root: OLD_KERNEL, networkInterfaces: all }));
    assert.equal(old.values['system.network.io']?.['eth0:1 receive'], 4_294_967_295);
    assert.equal(old.values['system.network.io']['eth0:1 transmit'], 17);
  });

  it('reads the namespace of the first process of a mounted host, and never its own instead', async (test) => {
    const tree = createTree({ test });
    tree.write('proc/net/dev', `${HEADER}own: ${'1 '.repeat(16)}\n`);
    const group = createNetworkGroup({ root: tree.root, networkInterfaces: all });
    await assert.rejects(sampleOf(group), {
      reason: 'missing',
      message: `cannot read ${tree.root}/proc/1/net/dev: no such file or directory (ENOENT)`,
    });
    tree.write('proc/1/net/dev', `${HEADER}host: ${'1 '.repeat(16)}\n`);
    assert.deepEqual((await sampleOf(group)).values['system.network.io'], { 'host receive': 1, 'host transmit': 1 });
  });

  const LINUX = platform() === 'linux' ? false : 'needs /proc/net/dev';
  it('reads its own namespace where the root is its own', { skip: LINUX }, async () => {
    const { values } = await sampleOf(createNetworkGroup({ root: '/', networkInterfaces: all }));
    const names = Array.from(readFileSync('/proc/net/dev', 'utf8').matchAll(/^ *(\S+):/gm), ([, name]) => name);
    assert.deepEqual(
      Object.keys(values['system.network.io'] ?? {}),
      names.flatMap((name) => [`${name} receive`, `${name} transmit`]),
    );
  });

  it('reports an interface whose numbers are not known, and shows the others', async (test) => {
    const tree = createTree({ test });
    const path = 'proc/1/net/dev';
    tree.write(path, `${HEADER}eth0: 1 2 3\neth1: ${'1 '.repeat(15)}x\nno name\neth2: ${'5 '.repeat(16)}\n`);
    const { values, reports } = await sampleOf(createNetworkGroup({ root: tree.root, networkInterfaces: all }));
    assert.deepEqual(values['system.network.io'], { 'eth2 receive': 5, 'eth2 transmit': 5 });
    assert.deepEqual(
      reports,
      ['eth0', 'eth1', 'a line'].map((name) => `malformed: ${tree.root}/${path} has not 16 numbers for ${name}`),
    );
  });

  it('has nothing to show, and no error, without interfaces, but is malformed without a header', async (test) => {
    const tree = createTree({ test });
    const group = createNetworkGroup({ root: tree.root, networkInterfaces: all });
    tree.write('proc/1/net/dev', HEADER);
    assert.deepEqual(await sampleOf(group), { values: {}, reports: [] });
    tree.write('proc/1/net/dev', '');
    await assert.rejects(sampleOf(group), { reason: 'malformed' });
  });

  it('shows names that are not UTF-8, each as one of its own', async (test) => {
    const tree = createTree({ test });
    const names = ['\xffa', '\xfea', Buffer.from('ünï→').toString('latin1')];
    tree.writeBytes(
      'proc/1/net/dev',
      HEADER + names.map((name, index) => `${name}: ${`${index} `.repeat(16)}\n`).join(''),
    );
    const group = createNetworkGroup({ root: tree.root, networkInterfaces: { excluded: [] } });
    const receive = Object.entries((await sampleOf(group)).values['system.network.io'] ?? {}).filter(([name]) =>
      name.endsWith('receive'),
    );
    assert.deepEqual(receive, [
      ['\\xffa receive', 0],
      ['\\xfea receive', 1],
      ['ünï→ receive', 2],
    ]);
  });

  it('shows the first of two lines of a name', async (test) => {
    const tree = createTree({ test });
    tree.write('proc/1/net/dev', `${HEADER}eth0: ${'1 '.repeat(16)}\neth0: ${'2 '.repeat(16)}\n`);
    const { values } = await sampleOf(createNetworkGroup({ root: tree.root, networkInterfaces: all }));
    assert.deepEqual(values['system.network.io'], { 'eth0 receive': 1, 'eth0 transmit': 1 });
  });
});
