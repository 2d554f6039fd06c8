import assert from 'node:assert/strict';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createContainerGroup } from '../../../src/observables/container/index.ts';
import { createTree, type Tree } from '../host/procfs/tree.ts';
import { sampleOf } from '../host/sample.ts';
import { cgroupFixture, MACHINE_BYTES } from './fixtures.ts';

const LIMITED = {
  'container.cpu.time': { user: 60, system: 30 },
  'container.cpu.limit': { '': 0.5 },
  'container.cpu.periods': { '': 400 },
  'container.cpu.throttling.periods': { '': 40 },
  'container.cpu.throttling.time': { '': 2.5 },
  'container.memory.usage': { '': 200_000_000 },
  'container.memory.working_set': { '': 150_000_000 },
  'container.memory.rss': { '': 120_000_000 },
  'container.memory.limit': { '': 268_435_456 },
  'container.memory.available': { '': 118_435_456 },
  'container.paging.usage': { '': 4096 },
  'container.paging.faults': { major: 100, minor: 900 },
  'container.disk.io': { read: 1010, write: 2020 },
  'container.task.count': { '': 17 },
  'container.task.limit': { '': 64 },
};

/** All that the first sample shows. */
const machines: Record<string, { name: string; readings: Record<string, Record<string, number>> }> = {
  'a container of version 2 with a namespace of its own': {
    name: 'v2-namespace',
    readings: {
      ...LIMITED,
      'container.memory.oom_kills': { '': 2 },
      'container.pressure.time': {
        'cpu some': 1,
        'cpu full': 0.5,
        'memory some': 2,
        'memory full': 1.5,
        'io some': 3,
        'io full': 2.5,
      },
    },
  },
  'a service of systemd whose slice has the lower limits': {
    name: 'v2-parents',
    readings: {
      'container.cpu.time': { user: 2, system: 1 },
      'container.cpu.limit': { '': 1.5 },
      'container.cpu.periods': { '': 0 },
      'container.cpu.throttling.periods': { '': 0 },
      'container.cpu.throttling.time': { '': 0 },
      'container.memory.usage': { '': 1_000_000 },
      // The page cache is counted a little later than the sum, so it can be more.
      'container.memory.working_set': { '': 0 },
      'container.memory.rss': { '': 600_000 },
      'container.memory.limit': { '': 536_870_912 },
      'container.memory.available': { '': 536_870_912 },
      'container.memory.oom_kills': { '': 0 },
      'container.paging.usage': { '': 0 },
      'container.paging.faults': { major: 5, minor: 45 },
      'container.disk.io': { read: 0, write: 0 },
      'container.task.count': { '': 9 },
      'container.task.limit': { '': 100 },
    },
  },
  'a container without a namespace, whose path on the host is mounted, and with no limits': {
    name: 'v2-host-path',
    readings: {
      'container.cpu.time': { user: 4, system: 1 },
      'container.cpu.periods': { '': 0 },
      'container.cpu.throttling.periods': { '': 0 },
      'container.cpu.throttling.time': { '': 0 },
      'container.memory.usage': { '': 3_000_000 },
      'container.memory.working_set': { '': 2_500_000 },
      'container.memory.rss': { '': 1_000_000 },
      'container.memory.oom_kills': { '': 0 },
      'container.paging.faults': { major: 2, minor: 18 },
    },
  },
  'the root control group, which has neither memory nor limits': {
    name: 'v2-root',
    readings: { 'container.cpu.time': { user: 4, system: 3 }, 'container.disk.io': { read: 512, write: 1024 } },
  },
  'a container of version 1 on a kernel before 4.13, with two controllers in one hierarchy': {
    name: 'v1-docker',
    readings: LIMITED,
  },
  'both versions beside each other, where only pressure is of version 2': {
    name: 'hybrid',
    readings: {
      'container.cpu.time': { user: 3.5, system: 1.5 },
      'container.cpu.limit': { '': 0.5 },
      'container.cpu.periods': { '': 8 },
      'container.cpu.throttling.periods': { '': 4 },
      'container.cpu.throttling.time': { '': 0.001 },
      'container.memory.usage': { '': 40_000_000 },
      'container.memory.working_set': { '': 0 },
      'container.memory.rss': { '': 30_000_000 },
      'container.memory.oom_kills': { '': 5 },
      'container.paging.usage': { '': 0 },
      'container.paging.faults': { major: 3, minor: 27 },
      'container.disk.io': { read: 100, write: 200 },
      'container.pressure.time': {
        'cpu some': 4,
        'cpu full': 0,
        'memory some': 5,
        'memory full': 0.000001,
        'io some': 6,
        'io full': 0.000002,
      },
    },
  },
};

const createGroup = (root: string) => createContainerGroup({ root, memoryBytes: MACHINE_BYTES });
const NAMESPACE = 'sys/fs/cgroup';
const createContainer = (test: TestContext) => createTree({ test, like: cgroupFixture('v2-namespace') });
/** As the kernel does: the file stays the same. */
const change = ({ root }: Tree, path: string, text: string) => writeFileSync(join(root, path), text);

describe('container', () => {
  for (const [machine, { name, readings }] of Object.entries(machines)) {
    it(`reads ${machine}`, async () => {
      assert.deepEqual(await sampleOf(createGroup(cgroupFixture(name))), { values: readings, reports: [] });
    });
  }

  it('has no memory limit when that is more than the machine has', async (test) => {
    const tree = createContainer(test);
    tree.write(`${NAMESPACE}/memory.max`, `${MACHINE_BYTES + 4096}\n`);
    const { values } = await sampleOf(createGroup(tree.root));
    assert.equal(values['container.memory.limit'], undefined);
    assert.equal(values['container.memory.available'], undefined);
  });

  it('has no pressure at the root of the hierarchy, which has that of the machine', async (test) => {
    const tree = createTree({ test, like: cgroupFixture('hybrid') });
    tree.remove(`${NAMESPACE}/unified/cgroup.events`);
    const { values, reports } = await sampleOf(createGroup(tree.root));
    assert.equal(values['container.pressure.time'], undefined);
    assert.deepEqual(reports, []);
  });

  it('counts what a stacked disk passes on to another only once', async (test) => {
    const tree = createContainer(test);
    tree.write('sys/dev/block/259:0/slaves/sda', '');
    const { values } = await sampleOf(createGroup(tree.root));
    assert.deepEqual(values['container.disk.io'], { read: 1000, write: 2000 });
  });

  it('adds up more disks than fit into 64 KiB', async (test) => {
    const tree = createContainer(test);
    const disk = (_: unknown, minor: number) =>
      `8:${minor} rbytes=1000000 wbytes=2000000 rios=1 wios=2 dbytes=0 dios=0\n`;
    change(tree, `${NAMESPACE}/io.stat`, Array.from({ length: 2000 }, disk).join(''));
    const { values, reports } = await sampleOf(createGroup(tree.root));
    assert.deepEqual(values['container.disk.io'], { read: 2e9, write: 4e9 });
    assert.deepEqual(reports, []);
  });

  it('shows the CPUs used since the sample before', async (test) => {
    const tree = createContainer(test);
    const group = createGroup(tree.root);
    const startMs = performance.now();
    assert.equal((await sampleOf(group)).values['container.cpu.usage'], undefined);
    const firstEndMs = performance.now();
    await sleep(20);
    change(tree, `${NAMESPACE}/cpu.stat`, 'usage_usec 91000000\nuser_usec 60000000\nsystem_usec 31000000\n');
    const secondStartMs = performance.now();
    const usage = (await sampleOf(group)).values['container.cpu.usage']?.[''] ?? NaN;
    const endMs = performance.now();
    assert.ok(usage >= 1000 / (endMs - startMs) && usage <= 1000 / (secondStartMs - firstEndMs), String(usage));
  });

  it('holds minor faults when a major one is not yet counted among all', async (test) => {
    const tree = createContainer(test);
    const group = createGroup(tree.root);
    await sampleOf(group);
    change(tree, `${NAMESPACE}/memory.stat`, 'anon 1\ninactive_file 1\npgfault 1001\npgmajfault 102\n');
    assert.deepEqual((await sampleOf(group)).values['container.paging.faults'], { major: 102, minor: 900 });
  });

  it('counts minor faults anew when the control group was made anew at the same path', async (test) => {
    const tree = createContainer(test);
    const group = createGroup(tree.root);
    await sampleOf(group);
    change(tree, `${NAMESPACE}/memory.stat`, 'anon 1\ninactive_file 1\npgfault 14\npgmajfault 2\n');
    assert.deepEqual((await sampleOf(group)).values['container.paging.faults'], { major: 2, minor: 12 });
  });

  it('follows this process to another control group, whose CPU time it does not compare', async (test) => {
    const tree = createContainer(test);
    const group = createGroup(tree.root);
    await sampleOf(group);
    change(tree, 'proc/self/cgroup', '0::/moved\n');
    tree.write(`${NAMESPACE}/moved/cpu.stat`, 'usage_usec 99000000\nuser_usec 98000000\nsystem_usec 1000000\n');
    const { values } = await sampleOf(group);
    assert.deepEqual(values['container.cpu.time'], { user: 98, system: 1 });
    assert.equal(values['container.cpu.usage'], undefined);
    assert.deepEqual(values['container.cpu.limit'], { '': 0.5 });
  });
});

describe('container, when something is wrong', () => {
  it('says that this is not supported when there are no control groups', async (test) => {
    const tree = createContainer(test);
    tree.remove('proc/self/cgroup');
    await assert.rejects(sampleOf(createGroup(tree.root)), { name: 'SampleError', reason: 'unsupported' });
  });

  it('says that this is not supported when they are not mounted', async () => {
    await assert.rejects(sampleOf(createGroup(cgroupFixture('not-mounted'))), { reason: 'unsupported' });
  });

  it('says what is missing when there is no /proc', async () => {
    const expected = { name: 'SampleError', reason: 'missing', message: /\/nonexistent\/proc\/self\/cgroup/ };
    await assert.rejects(sampleOf(createGroup('/nonexistent')), expected);
  });

  for (const path of ['/../sibling', '/gone (deleted)']) {
    it(`does not take the mount for a control group that is at ${path}`, async (test) => {
      const tree = createContainer(test);
      tree.write('proc/self/cgroup', `0::${path}\n`);
      await assert.rejects(sampleOf(createGroup(tree.root)), { reason: 'unsupported' });
    });
  }

  it('says so when the mounts cannot be read', async (test) => {
    const tree = createContainer(test);
    tree.makeUnreadable('proc/self/mountinfo');
    await assert.rejects(sampleOf(createGroup(tree.root)), { reason: 'unreadable', message: /proc\/self\/mountinfo/ });
  });

  const faults: Record<string, { file: string; lost: readonly string[]; garbage?: string }> = {
    'cpu.stat': {
      file: 'cpu.stat',
      lost: [
        'container.cpu.time',
        'container.cpu.periods',
        'container.cpu.throttling.periods',
        'container.cpu.throttling.time',
      ],
    },
    'cpu.max': { file: 'cpu.max', lost: ['container.cpu.limit'] },
    'memory.current': {
      file: 'memory.current',
      lost: ['container.memory.usage', 'container.memory.working_set', 'container.memory.available'],
    },
    'memory.max': { file: 'memory.max', lost: ['container.memory.limit', 'container.memory.available'] },
    'memory.stat': {
      file: 'memory.stat',
      lost: [
        'container.memory.working_set',
        'container.memory.rss',
        'container.memory.available',
        'container.paging.faults',
      ],
    },
    'memory.events': { file: 'memory.events', lost: ['container.memory.oom_kills'] },
    'pids.max': { file: 'pids.max', lost: ['container.task.limit'] },
  };
  for (const [name, { file, lost }] of Object.entries(faults)) {
    for (const fault of ['unreadable', 'malformed'] as const) {
      it(`loses what is in ${name} and nothing else when it is ${fault}, and has it again when it is back`, async (test) => {
        const tree = createContainer(test);
        const { values: whole } = await sampleOf(createGroup(tree.root));
        const path = `${NAMESPACE}/${file}`;
        const text = readFileSync(join(tree.root, path), 'utf8');
        if (fault === 'unreadable') tree.makeUnreadable(path);
        else change(tree, path, 'garbage\n');

        const group = createGroup(tree.root);
        const { values, reports } = await sampleOf(group);
        assert.deepEqual(
          Object.keys(whole).filter((metric) => values[metric] === undefined),
          lost,
        );
        assert.ok(reports.length > 0);
        for (const report of reports) assert.match(report, new RegExp(`^${fault}: .*/${file}`));

        if (fault === 'unreadable') tree.write(path, text);
        else change(tree, path, text);
        const { values: back } = await sampleOf(group);
        delete back['container.cpu.usage'];
        assert.deepEqual(back, whole);
      });
    }
  }

  it('takes no number whose line has no end, as that may be cut off', async (test) => {
    const tree = createContainer(test);
    change(tree, `${NAMESPACE}/memory.events`, 'oom 1\noom_kill 12');
    const { values, reports } = await sampleOf(createGroup(tree.root));
    assert.equal(values['container.memory.oom_kills'], undefined);
    assert.deepEqual(reports, [`malformed: ${tree.root}/${NAMESPACE}/memory.events is cut off`]);
  });

  describe('and it cannot be said whether a disk is stacked', () => {
    const SLAVES = 'sys/dev/block/259:0/slaves';
    /** Not even root can read it. */
    const makeUnknown = (tree: Tree) => {
      tree.write(SLAVES, '');
      tree.remove(SLAVES);
      symlinkSync('slaves', join(tree.root, SLAVES));
    };

    it('counts nothing twice, but has no values', async (test) => {
      const tree = createContainer(test);
      makeUnknown(tree);
      const group = createGroup(tree.root);
      const { values, reports } = await sampleOf(group);
      assert.equal(values['container.disk.io'], undefined);
      assert.equal(reports.length, 1);
      assert.match(reports[0] ?? '', /^unreadable: .*259:0\/slaves.*ELOOP/);

      tree.remove(SLAVES);
      tree.write(`${SLAVES}/sda`, '');
      assert.deepEqual((await sampleOf(group)).values['container.disk.io'], { read: 1000, write: 2000 });
    });

    it('remembers what it was before', async (test) => {
      const tree = createContainer(test);
      tree.write(`${SLAVES}/sda`, '');
      const group = createGroup(tree.root);
      await sampleOf(group);
      makeUnknown(tree);
      const { values, reports } = await sampleOf(group);
      assert.deepEqual(values['container.disk.io'], { read: 1000, write: 2000 });
      assert.deepEqual(reports, []);
    });
  });

  it('is silent about a controller that is off, and shows it when it is turned on', async (test) => {
    const tree = createContainer(test);
    tree.remove(`${NAMESPACE}/pids.current`);
    const group = createGroup(tree.root);
    const { values, reports } = await sampleOf(group);
    assert.equal(values['container.task.count'], undefined);
    assert.deepEqual(reports, []);
    tree.write(`${NAMESPACE}/pids.current`, '3\n');
    assert.deepEqual((await sampleOf(group)).values['container.task.count'], { '': 3 });
  });
});
