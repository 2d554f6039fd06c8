import assert from 'node:assert/strict';
import { statfsSync } from 'node:fs';
import { platform } from 'node:os';
import { describe, it } from 'node:test';
import { createFilesystemGroup } from '../../../../src/observables/host/procfs/filesystem.ts';
import type { StatfsOptions } from '../../../../src/observables/host/procfs/statfs.ts';
import { sampleOf, type Sampled } from '../sample.ts';
import { space, statfsOf } from './statfs.ts';
import { createTree, mountLine, SERVER, sourcesOf, type MountLine } from './tree.ts';

const INODES = 'metergate.host.filesystem.inode.usage';
const LIMIT = 'system.filesystem.limit';

const groupOf = (root: string, call: StatfsOptions['call'] = statfsOf(root).call, excluded: string[] = []) =>
  createFilesystemGroup({ root, filesystems: { ...sourcesOf(root).filesystems, excluded }, statfs: { call } });
const shown = ({ values }: Sampled) => Object.keys(values[LIMIT] ?? {});
const mountinfo = (...mounts: MountLine[]) => mounts.map(mountLine).join('');

describe('procfs filesystems', () => {
  it('shows space in bytes, used as df does, and inodes', async (test) => {
    const tree = createTree({ test });
    tree.write('proc/1/mountinfo', mountLine({ at: '/' }));
    const { values } = await sampleOf(groupOf(tree.root));
    const root = '/dev/vda / ext4 rw';
    assert.deepEqual(values, {
      'system.filesystem.usage': { [`${root} used`]: 61_440, [`${root} free`]: 30_720, [`${root} reserved`]: 10_240 },
      [LIMIT]: { [root]: 102_400 },
      'system.filesystem.utilization': { [root]: 60 / 90 },
      [INODES]: { [`${root} used`]: 6, [`${root} free`]: 4 },
    });
  });

  it('has no inodes where they cannot run out, and bsize for frsize in older versions of Node.js', async (test) => {
    const tree = createTree({ test });
    tree.write('proc/1/mountinfo', mountLine({ at: '/' }));
    const older = { ...space, frsize: undefined, files: 0, ffree: 0 };
    const { values } = await sampleOf(groupOf(tree.root, statfsOf(tree.root, { answer: older }).call));
    assert.deepEqual(Object.values(values[LIMIT] ?? {}), [409_600]);
    assert.equal(values[INODES], undefined);
  });

  it('shows each filesystem and each mount point once, of the types that are asked for, under its true name', async () => {
    const { call, called } = statfsOf(SERVER);
    const { values, reports } = await sampleOf(groupOf(SERVER, call));
    assert.deepEqual(Object.keys(values[LIMIT] ?? {}), [
      '/dev/mapper/vg-root / ext4 rw',
      '/dev/nvme0n1p1 /boot/efi vfat ro',
      '/dev/sda1 /srv/backup of\tall\\things xfs rw',
      '/dev/sdc1 /mnt xfs rw',
      'overlay /var/lib/docker/overlay2/1f/merged overlay rw',
      'overlay /srv/one overlay rw',
      'overlay /srv/two overlay ro',
      '/dev/sdf1 /home xfs rw',
      '/dev/sdf2 /home/old ext4 rw',
    ]);
    assert.deepEqual(called.slice(0, 3), [`${SERVER}/`, `${SERVER}/boot/efi`, `${SERVER}/srv/backup of\tall\\things`]);
    assert.deepEqual(reports, []);
  });

  it('shows a filesystem at another of its places where the shortest is hidden from us', async (test) => {
    const tree = createTree({ test });
    const device = '8:2';
    tree.write(
      'proc/1/mountinfo',
      mountinfo({ at: '/home', device, id: 101 }, { at: '/srv/exported', device, id: 102 }),
    );
    const { call } = statfsOf(tree.root);
    const hidden: typeof call = async (path, options) => {
      const found = await call(path, options);
      return path.endsWith('/home') ? { ...found, dev: 1 } : found;
    };
    const sampled = await sampleOf(groupOf(tree.root, hidden));
    assert.deepEqual(shown(sampled), ['/dev/vda /srv/exported ext4 rw']);
    assert.deepEqual(sampled.reports, []);
  });

  it('asks whose space it is once for each mount, and again for one that has taken its place', async (test) => {
    const tree = createTree({ test });
    const { call } = statfsOf(tree.root);
    const asked: boolean[] = [];
    const group = groupOf(tree.root, (path, options) => {
      asked.push(options.dev);
      return call(path, options);
    });
    for (const id of [101, 101, 102]) {
      tree.write('proc/1/mountinfo', mountinfo({ at: '/home', id }));
      await sampleOf(group);
    }
    assert.deepEqual(asked, [true, false, true]);
  });

  it('takes a mounted file, of which the system does not say whose it is, for what is mounted there', async (test) => {
    const tree = createTree({ test });
    tree.write('proc/1/mountinfo', mountinfo({ at: '/etc/hosts', type: 'overlay', source: 'overlay' }));
    const unsaid: StatfsOptions['call'] = () => Promise.resolve({ ...space, dev: undefined });
    assert.deepEqual(shown(await sampleOf(groupOf(tree.root, unsaid))), ['overlay /etc/hosts overlay rw']);
  });

  it('leaves out what is excluded, before it looks for the shortest mount point of a filesystem', async () => {
    const excluded = ['/', '/srv/*', '/var/lib/docker/*', '/mnt', '/boot/*', '/home*'];
    const sampled = await sampleOf(groupOf(SERVER, undefined, excluded));
    assert.deepEqual(shown(sampled), ['/dev/mapper/vg-root /var/lib/chroot/etc ext4 ro']);
  });

  describe('where the mounts of the first process are not to be seen', () => {
    const own = 'proc/self/mountinfo';
    const groupOfOwn = (root: string) => groupOf(root, () => Promise.resolve({ ...space, dev: 65_024 }));

    it('are its own mounts: those below the root', async (test) => {
      const tree = createTree({ test });
      const { root } = tree;
      const device = '254:0';
      const at = [
        { at: '/' },
        { at: `${root}-2` },
        { at: root, source: '/dev/vdb' },
        { at: `${root}/data`, device: '0:7' },
      ];
      tree.write(own, mountinfo(...at.map((mount) => ({ device, ...mount }))));
      const group = groupOfOwn(root);
      const expected = {
        values: ['/dev/vdb / ext4 rw'],
        reports: [`missing: the filesystem at ${root}/data is not there for us, but another one`],
      };
      for (const hide of [() => {}, () => tree.makeUnreadable('proc/1/mountinfo')]) {
        hide();
        const sampled = await sampleOf(group);
        assert.deepEqual({ values: shown(sampled), reports: sampled.reports }, expected);
      }
    });

    it('are read-only only if their filesystem is: the mount may be so for us alone', async (test) => {
      const tree = createTree({ test });
      const { root } = tree;
      const options: MountLine['options'][] = [
        ['ro', 'rw'],
        ['rw', 'ro'],
      ];
      for (const [index, mode] of ['rw', 'ro'].entries()) {
        tree.write(own, mountLine({ at: root, device: '254:0', options: options[index] ?? ['rw', 'rw'] }));
        assert.deepEqual(shown(await sampleOf(groupOfOwn(root))), [`/dev/vda / ext4 ${mode}`]);
      }
    });
  });

  it('are read-only if the mount or the filesystem is', async (test) => {
    const tree = createTree({ test });
    const options: [string, string][] = [
      ['ro', 'rw'],
      ['rw', 'ro'],
      ['rw', 'rw'],
    ];
    const mounts = options.map((each, minor) => ({ at: `/${minor}`, device: `8:${minor}`, options: each }));
    tree.write('proc/1/mountinfo', mountinfo(...mounts));
    assert.deepEqual(shown(await sampleOf(groupOf(tree.root))), [
      '/dev/vda /0 ext4 ro',
      '/dev/vda /1 ext4 ro',
      '/dev/vda /2 ext4 rw',
    ]);
  });

  it('asks the system by bytes and shows text, also of names that are not UTF-8', async (test) => {
    const tree = createTree({ test });
    const names = ['/\xff bad', '/\xfe bad', Buffer.from('/ünï→').toString('latin1')];
    tree.writeBytes(
      'proc/1/mountinfo',
      mountinfo(...names.map((at, minor) => ({ at: at.replace(' ', '\\040'), device: `8:${minor}` }))),
    );
    const { call, called } = statfsOf(tree.root);
    const sampled = await sampleOf(groupOf(tree.root, call, ['/*→']));
    assert.deepEqual(shown(sampled), ['/dev/vda /\\xff bad ext4 rw', '/dev/vda /\\xfe bad ext4 rw']);
    assert.deepEqual(
      called,
      names.slice(0, 2).map((name) => `${tree.root}${name}`),
    );
    assert.deepEqual(sampled.reports, []);
  });

  it('does not show the space of another filesystem than the one that is mounted, but of btrfs it cannot tell', async (test) => {
    const tree = createTree({ test });
    const mounts = [
      { at: '/', device: '8:1' },
      { at: '/data', device: '8:2', source: '/dev/sdb' },
      { at: '/sub', device: '0:40', type: 'btrfs', source: '/dev/sdc' },
    ];
    tree.write('proc/1/mountinfo', mountinfo(...mounts));
    const filesystems = { types: ['ext4', 'btrfs'], excluded: [] };
    const call = () => Promise.resolve({ ...space, dev: 2049 });
    const { values, reports } = await sampleOf(
      createFilesystemGroup({ root: tree.root, filesystems, statfs: { call } }),
    );
    assert.deepEqual(Object.keys(values[LIMIT] ?? {}), ['/dev/vda / ext4 rw', '/dev/sdc /sub btrfs rw']);
    assert.deepEqual(reports, [`missing: the filesystem at ${tree.root}/data is not there for us, but another one`]);
  });

  it('shows ten thousand mounts', async (test) => {
    const tree = createTree({ test });
    const mounts = Array.from({ length: 10_000 }, (_, n) =>
      mountLine({ at: `/data/${n}`, id: n + 2, device: `${n}:0` }),
    );
    tree.write('proc/1/mountinfo', mounts.join(''));
    let dev = 0;
    const call = () => Promise.resolve({ ...space, dev: 256 * dev++ });
    assert.equal(shown(await sampleOf(groupOf(tree.root, call))).length, 10_000);
  });

  it('reports lines that are no mounts, and is malformed without any line', async (test) => {
    const tree = createTree({ test });
    const whole = mountLine({ at: '/' });
    const lines = [
      '',
      '1',
      '1 0 8:1 / / rw',
      whole.replace(' / / ', ' / relative '),
      whole.replace(' - ', ' '),
      '1 0 8 / / rw - ext4 a rw',
      whole,
    ];
    tree.write('proc/1/mountinfo', lines.map((line) => `${line.trim()}\n`).join(''));
    const group = groupOf(tree.root);
    const sampled = await sampleOf(group);
    assert.deepEqual(shown(sampled), ['/dev/vda / ext4 rw']);
    assert.deepEqual(
      sampled.reports,
      Array.from({ length: 5 }, () => `malformed: ${tree.root}/proc/1/mountinfo has a line that is no mount`),
    );
    tree.write('proc/1/mountinfo', '');
    await assert.rejects(sampleOf(group), {
      reason: 'malformed',
      message: `${tree.root}/proc/1/mountinfo has no mounts`,
    });
  });

  it('reports a mount point that is gone, and shows the rest', async (test) => {
    const tree = createTree({ test });
    const gone = mountLine({ at: '/gone', device: '8:1' });
    tree.write('proc/1/mountinfo', mountLine({ at: '/' }) + gone);
    const group = createFilesystemGroup(sourcesOf(tree.root));
    const sampled = await sampleOf(group);
    assert.deepEqual(shown(sampled), ['/dev/vda / ext4 rw']);
    assert.deepEqual(sampled.reports, [
      `missing: cannot read the filesystem at ${tree.root}/gone: no such file or directory (ENOENT)`,
    ]);
    tree.write('proc/1/mountinfo', gone);
    await assert.rejects(sampleOf(group), { reason: 'missing' });
  });

  const LINUX = platform() === 'linux' ? false : 'needs /proc and statfs';
  it('shows what statfs says of this machine', { skip: LINUX }, async () => {
    const sources = sourcesOf('/');
    const types = [...sources.filesystems.types, 'tmpfs', 'btrfs'];
    const sampled = await sampleOf(createFilesystemGroup({ root: '/', filesystems: { types, excluded: [] } }));
    const limits = Object.entries(sampled.values[LIMIT] ?? {});
    assert.ok(limits.length > 0);
    for (const [mount, bytes] of limits) {
      const [, mountPoint = ''] = mount.split(' ');
      const { blocks, bsize } = statfsSync(mountPoint);
      assert.equal(bytes, blocks * bsize, mount);
    }
  });
});
