import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDiskGroup } from '../../../../src/observables/host/procfs/disk.ts';
import { sampleOf } from '../sample.ts';
import { createTree, OLD_KERNEL, SERVER } from './tree.ts';

const all = { excluded: [] };

describe('procfs disks', () => {
  it('shows sectors of 512 bytes in bytes, and milliseconds in seconds', async () => {
    const { values } = await sampleOf(createDiskGroup({ root: OLD_KERNEL, disks: all }));
    assert.deepEqual(values, {
      'system.disk.operations': { 'sda read': 100, 'sda write': 200 },
      'system.disk.merged': { 'sda read': 10, 'sda write': 20 },
      'system.disk.io': { 'sda read': 512_000, 'sda write': 2_048_000 },
      'system.disk.operation_time': { 'sda read': 0.5, 'sda write': 0.7 },
      'system.disk.io_time': { sda: 0.9 },
    });
  });

  it('shows every block device but partitions, whatever the number of columns', async () => {
    const { values } = await sampleOf(createDiskGroup({ root: SERVER, disks: all }));
    assert.deepEqual(values['system.disk.io_time'], {
      nvme0n1: 12.252,
      sda: 0.9,
      'dm-0': 12.3,
      md127: 0,
      loop0: 0.012,
      'cciss/c0d0': 0.003,
    });
  });

  it('leaves out what is excluded', async () => {
    const { values } = await sampleOf(
      createDiskGroup({ root: SERVER, disks: { excluded: ['loop*', 'dm-?', 'cciss/*'] } }),
    );
    assert.deepEqual(Object.keys(values['system.disk.io_time'] ?? {}), ['nvme0n1', 'sda', 'md127']);
  });

  it('keeps all where there is no /sys to tell partitions by', async (test) => {
    const tree = createTree({ test, like: SERVER });
    tree.remove('sys');
    const { values } = await sampleOf(createDiskGroup({ root: tree.root, disks: all }));
    assert.equal(Object.keys(values['system.disk.io_time'] ?? {}).length, 10);
  });

  it('shows a disk that comes, and asks again what a name is that was gone', async (test) => {
    const tree = createTree({ test });
    const group = createDiskGroup({ root: tree.root, disks: all });
    const line = (name: string) => `8 0 ${name} 1 0 0 0 0 0 0 0 0 0 0\n`;
    const disksOf = async (...names: string[]) => {
      tree.write('proc/diskstats', names.map(line).join(''));
      return Object.keys((await sampleOf(group)).values['system.disk.io_time'] ?? {});
    };
    assert.deepEqual(await disksOf('sda'), ['sda']);
    assert.deepEqual(await disksOf('sda', 'sdb'), ['sda', 'sdb']);
    assert.deepEqual(await disksOf('sda'), ['sda']);
    tree.write('sys/class/block/sdb/partition', '1\n');
    assert.deepEqual(await disksOf('sda', 'sdb'), ['sda']);
  });

  it('has nothing to show, and no error, without disks', async (test) => {
    const tree = createTree({ test });
    tree.write('proc/diskstats', '');
    assert.deepEqual(await sampleOf(createDiskGroup({ root: tree.root, disks: all })), { values: {}, reports: [] });
  });

  it('reports a disk whose numbers are not known, and shows the others', async (test) => {
    const tree = createTree({ test });
    const path = 'proc/diskstats';
    tree.write(path, '8 0 sda 1 0 -7 0 0 0 0 0 0 0 0\n8 16 sdb 1 2\ngarbage\n8 32 sdc 1 0 0 0 0 0 0 0 0 0 0\n');
    const { values, reports } = await sampleOf(createDiskGroup({ root: tree.root, disks: all }));
    assert.deepEqual(values['system.disk.io_time'], { sdc: 0 });
    assert.deepEqual(
      reports,
      ['has not 11 numbers for sda', 'has not 11 numbers for sdb', 'has a line without a name'].map(
        (what) => `malformed: ${tree.root}/${path} ${what}`,
      ),
    );
  });

  it('takes a number of more than 64 bits for none, and the first of two lines of a name', async (test) => {
    const tree = createTree({ test });
    const line = (name: string, ioMs: string) => `8 0 ${name} 1 0 0 0 0 0 0 0 0 ${ioMs} 0\n`;
    tree.write('proc/diskstats', line('sda', '1'.repeat(21)) + line('sdb', '1000') + line('sdb', '2000'));
    const { values, reports } = await sampleOf(createDiskGroup({ root: tree.root, disks: all }));
    assert.deepEqual(values['system.disk.io_time'], { sdb: 1 });
    assert.equal(reports.length, 1);
  });
});
