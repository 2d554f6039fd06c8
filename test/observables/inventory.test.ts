import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { platform } from 'node:os';
import { describe, it } from 'node:test';
import { findContainerId, parseOsRelease, readInventory } from '../../src/observables/inventory.ts';
import { createTree } from './host/procfs/tree.ts';

const LINUX = platform() === 'linux' ? false : 'needs uname, lscpu and /etc/os-release';
const ID = '3f1c9b0d5e7a42f68c1d0a9b8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f';
const OTHER_ID = ID.replaceAll('3', '4');

const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } }).trim();

describe('inventory', () => {
  it('names the machine and its system as uname and a shell do', { skip: LINUX }, async () => {
    const inventory = await readInventory({ root: '/' });
    assert.equal(inventory['host.name'], run('uname', '-n'));
    assert.equal(inventory['os.type'], run('uname', '-s').toLowerCase());
    const arch = { x86_64: 'amd64', aarch64: 'arm64' }[run('uname', '-m')];
    if (arch !== undefined) assert.equal(inventory['host.arch'], arch);
    if (existsSync('/etc/os-release')) {
      const of = (key: string) => run('sh', '-c', `. /etc/os-release; printf %s "$${key}"`);
      assert.equal(inventory['os.name'], of('NAME'));
      assert.equal(inventory['os.version'] ?? '', of('VERSION_ID'));
      assert.equal(inventory['os.description'], of('PRETTY_NAME'));
      assert.equal(inventory['os.build_id'], of('BUILD_ID') || run('uname', '-r'));
    }
    assert.equal(inventory['process.runtime.name'], 'nodejs');
    assert.equal(`v${String(inventory['process.runtime.version'])}`, run(process.execPath, '--version'));
  });

  it('describes the CPU as lscpu does', { skip: LINUX }, async () => {
    const inventory = await readInventory({ root: '/' });
    const lscpu = run('lscpu');
    const of = (key: string) => new RegExp(`^${key}: +(.*)$`, 'm').exec(lscpu)?.[1];
    assert.equal(inventory['host.cpu.vendor.id'], of('Vendor ID'));
    assert.equal(inventory['host.cpu.model.name'], of('Model name'));
    assert.equal(inventory['host.cpu.family'], of('CPU family'));
    assert.equal(inventory['host.cpu.model.id'], of('Model'));
    assert.equal(inventory['host.cpu.stepping'], of('Stepping'));
    const [, l2] = /^L2 +(\d+)$/m.exec(run('lscpu', '-B', '--caches=NAME,ONE-SIZE')) ?? [];
    assert.equal(inventory['host.cpu.cache.l2.size'], l2 === undefined ? undefined : Number(l2));
  });

  it('is that of a mounted host, not of our container', { skip: LINUX }, async (test) => {
    const tree = createTree({ test });
    tree.write('etc/hostname', 'node-7\n');
    tree.write(
      'usr/lib/os-release',
      "NAME=Flatcar\nPRETTY_NAME='Flatcar 4081'\nVERSION_ID=4081.2.0\nBUILD_ID=2024-11-12\n",
    );
    tree.write('proc/sys/kernel/osrelease', '6.6.60-flatcar\n');
    tree.write(
      'proc/cpuinfo',
      'processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 143\nmodel name\t: Intel(R) Xeon(R) Platinum 8480+ \nstepping\t: 8\ncache size\t: 107520 KB\n\nprocessor\t: 1\nvendor_id\t: other\n',
    );
    tree.write('sys/devices/system/cpu/cpu0/cache/index2/level', '2\n');
    tree.write('sys/devices/system/cpu/cpu0/cache/index2/size', '2048K\n');
    const inventory = await readInventory({ root: tree.root });
    // These two are of our own process.
    delete inventory['host.arch'];
    delete inventory['container.id'];
    assert.deepEqual(inventory, {
      'host.name': 'node-7',
      'host.cpu.vendor.id': 'GenuineIntel',
      'host.cpu.family': '6',
      'host.cpu.model.id': '143',
      'host.cpu.model.name': 'Intel(R) Xeon(R) Platinum 8480+',
      'host.cpu.stepping': '8',
      'host.cpu.cache.l2.size': 2 * 1024 ** 2,
      'os.type': 'linux',
      'os.name': 'Flatcar',
      'os.version': '4081.2.0',
      'os.description': 'Flatcar 4081',
      'os.build_id': '2024-11-12',
      'process.runtime.name': 'nodejs',
      'process.runtime.version': process.versions.node,
      'process.runtime.description': 'Node.js',
    });
  });

  it('leaves out what an ARM machine does not tell, and a cache of another level', { skip: LINUX }, async (test) => {
    const tree = createTree({ test });
    tree.write('proc/cpuinfo', 'processor\t: 0\nBogoMIPS\t: 243.75\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n');
    tree.write('sys/devices/system/cpu/cpu0/cache/index2/level', '3\n');
    tree.write('sys/devices/system/cpu/cpu0/cache/index2/size', '2048K\n');
    const keys = Object.keys(await readInventory({ root: tree.root }));
    assert.deepEqual(
      keys.filter((key) => key.startsWith('host.cpu')),
      [],
    );
  });

  it('has what is left when nothing can be read', async () => {
    const inventory = await readInventory({ root: '/nonexistent' });
    assert.ok(inventory['host.name']);
    assert.ok(inventory['host.arch']);
    for (const value of Object.values(inventory)) assert.ok(value !== undefined && value !== '');
  });
});

describe('os-release', () => {
  const lines: Record<string, { text: string; value: string | undefined }> = {
    'without quotes': { text: 'NAME=Fedora', value: 'Fedora' },
    'in double quotes': { text: 'NAME="Debian GNU/Linux"', value: 'Debian GNU/Linux' },
    'in single quotes': { text: "NAME='Alpine Linux'", value: 'Alpine Linux' },
    'with escapes': { text: 'NAME="a \\"b\\" \\$c \\\\ \\`d"', value: 'a "b" $c \\ `d' },
    'with a backslash between single quotes': { text: "NAME='a\\b'", value: 'a\\b' },
    'with the other quotes inside': { text: `NAME="it's"`, value: "it's" },
    'with an equals sign': { text: 'NAME="a=b"', value: 'a=b' },
    empty: { text: 'NAME=""', value: '' },
    'with space around and an end of line of Windows': { text: ' NAME="x" \r', value: 'x' },
    'set twice': { text: 'NAME=a\nNAME=b', value: 'b' },
    'in a comment': { text: '# NAME=a', value: undefined },
    'as the end of another key': { text: 'PRETTY_NAME=a', value: undefined },
  };
  for (const [what, { text, value }] of Object.entries(lines)) {
    it(`has a value ${what}`, () => assert.equal(parseOsRelease(`A=1\n${text}\n\nZ=2`).get('NAME'), value));
  }
});

describe('container.id', () => {
  const mount = (from: string) => `1 2 0:3 ${from} /etc/hostname rw,relatime - ext4 /dev/vda rw\n`;
  const containers: Record<string, { cgroup?: string; mountinfo?: string; id: string | undefined }> = {
    'Docker on version 1': { cgroup: `5:memory:/docker/${ID}\n1:name=systemd:/docker/${ID}\n`, id: ID },
    'Docker in Docker': { cgroup: `5:memory:/docker/${OTHER_ID}/docker/${ID}\n`, id: ID },
    'Docker under systemd': { cgroup: `0::/system.slice/docker-${ID}.scope\n`, id: ID },
    Podman: { cgroup: `0::/machine.slice/libpod-${ID}.scope/container\n`, id: ID },
    containerd: { cgroup: `0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-${ID}.scope\n`, id: ID },
    'containerd without systemd': { cgroup: `4:cpu:/kubepods/burstable/pod1/${ID}\n`, id: ID },
    'Docker with a namespace': {
      cgroup: '0::/\n',
      mountinfo: mount(`/var/lib/docker/containers/${ID}/hostname`),
      id: ID,
    },
    'Podman with a namespace': {
      mountinfo: mount(`/var/lib/containers/storage/overlay-containers/${ID}/userdata/hostname`),
      id: ID,
    },
    'Kubernetes with a namespace, where it is of the sandbox': {
      mountinfo: `${mount(`/var/lib/docker/containers/${ID}/hostname`)}1 2 0:3 /var/lib/kubelet/pods/a/etc-hosts /etc/hosts rw - ext4 /dev/vda rw\n`,
      id: undefined,
    },
    'containerd, where the sandbox is mounted': {
      mountinfo: mount(`/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/${ID}/hostname`),
      id: undefined,
    },
    'a host that runs Docker': {
      cgroup: '0::/user.slice/session-1.scope\n',
      mountinfo: `1 2 0:3 / /var/lib/docker/containers/${ID}/mounts/shm rw - tmpfs shm rw\n`,
      id: undefined,
    },
    'a shorter number': { cgroup: '0::/docker/3f1c9b0d5e7a\n', id: undefined },
  };
  for (const [what, { cgroup = '', mountinfo = '', id }] of Object.entries(containers)) {
    it(`is ${id === undefined ? 'not there' : 'found'} in ${what}`, () => {
      assert.equal(findContainerId({ cgroup, mountinfo }), id);
    });
  }
});
