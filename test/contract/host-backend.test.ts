import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, networkInterfaces, platform } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import { hostGroups } from '../../src/observables/host/host.ts';
import { createProcfsGroups } from '../../src/observables/host/procfs/index.ts';
import { createSysteminformationGroups } from '../../src/observables/host/systeminformation/index.ts';
import { SampleError, type ObservableGroup } from '../../src/observables/observable.ts';
import { createReadings } from '../../src/observables/readings.ts';
import { deadlineIn } from '../../src/std/deadline.ts';
import { catalogue } from '../../src/telemetry/catalogue.ts';
import type { ObservableName } from '../../src/telemetry/instruments.ts';
import { eventually } from '../support/processes.ts';
import { until } from '../support/until.ts';

const LINUX = platform() === 'linux' ? false : 'procfs needs Linux';

const SOURCES = {
  root: '/',
  disks: { excluded: ['loop*', 'ram*'] },
  filesystems: { types: ['btrfs', 'ext4', 'overlay', 'vfat', 'xfs', 'zfs'], excluded: ['/run/*', '/sys/*'] },
  networkInterfaces: { excluded: ['veth*'] },
};

const backends = {
  procfs: { create: createProcfsGroups, skip: LINUX },
  systeminformation: { create: (sources: typeof SOURCES) => createSysteminformationGroups(sources), skip: false },
} as const;

interface Point {
  readonly name: ObservableName;
  readonly attributes: Attributes;
  readonly value: number;
}

/** What a sampler would show. Rejects with what the group throws; what it reports does not fail it. */
async function sampleOf(group: ObservableGroup): Promise<Point[]> {
  const readings = createReadings(group.instruments);
  await group.sample({ write: readings.write, report: () => {}, takenAgo: () => {} });
  return group.instruments.flatMap((name) =>
    readings.of(name).map(({ value, attributes = {} }) => ({ name, attributes, value })),
  );
}

/** Of the machine, which may not have what the group reads. */
async function sampleOrSkip(group: ObservableGroup, skip: (reason: string) => void): Promise<Point[] | undefined> {
  try {
    return await sampleOf(group);
  } catch (error) {
    if (!(error instanceof SampleError) || error.reason !== 'unsupported') throw error;
    skip(error.message);
    return undefined;
  }
}

function seriesOf({ name, attributes }: Point): string {
  return `${name}{${Object.entries(attributes)
    .map(([key, value]) => `${key}=${String(value)}`)
    .sort()
    .join(',')}}`;
}

function sumOf(points: readonly Point[], name: ObservableName): number | undefined {
  const found = points.filter((point) => point.name === name);
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
}

function closeAll(groups: readonly ObservableGroup[]): Promise<unknown> {
  return Promise.all(groups.map(async (group) => group.close?.(deadlineIn(5000))));
}

/** Processes that this one has started and that are there. */
function children(): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) /, '')
        .split(' ');
      return parent === String(process.pid) && state !== 'Z';
    } catch {
      return false;
    }
  });
}

for (const [backend, { create, skip }] of Object.entries(backends)) {
  const names = skip ? [] : create(SOURCES).map(({ name }) => name);

  describe(`the host backend ${backend}`, { skip }, () => {
    let groups: ObservableGroup[];
    before(() => (groups = create(SOURCES)));
    after(() => closeAll(groups));
    const find = (name: string) => groups.find((group) => group.name === name) ?? assert.fail(name);

    it('has groups of the host only, each once, with the instruments that they have under every backend', () => {
      const definitions = new Map<string, readonly string[]>(
        Object.values(hostGroups).map(({ name, instruments }) => [name, instruments]),
      );
      assert.equal(new Set(names).size, names.length);
      for (const { name, instruments } of groups) assert.deepEqual(instruments, definitions.get(name), name);
    });

    for (const name of names) {
      it(`reads ${name}: series that the catalogue knows, each once, and counters that do not fall`, async (t) => {
        const group = find(name);
        await group.start?.();
        const counters = new Map<string, number>();
        for (let nth = 0; nth < 3; nth++) {
          const points = await sampleOrSkip(group, (reason) => t.skip(reason));
          if (points === undefined) return;
          assert.notEqual(points.length, 0);
          assert.equal(new Set(points.map(seriesOf)).size, points.length, 'a series is there twice');
          for (const point of points) {
            const { kind, attributes } = catalogue[point.name];
            const series = seriesOf(point);
            assert.ok(Number.isFinite(point.value) && point.value >= 0, `${series} is ${point.value}`);
            for (const [key, value] of Object.entries(point.attributes)) {
              assert.ok((attributes as readonly string[]).includes(key), `${series} has ${key}`);
              assert.ok(typeof value === 'string' && value !== '', `${series}: ${key}`);
            }
            if (kind !== 'observable_counter') continue;
            assert.ok(point.value >= (counters.get(series) ?? 0), `${series} fell to ${point.value}`);
            counters.set(series, point.value);
          }
          await sleep(60);
        }
      });

      it(`reads ${name} again after a sample that failed`, async (t) => {
        const group = find(name);
        if ((await sampleOrSkip(group, (reason) => t.skip(reason))) === undefined) return;
        const failing = {
          write: () => assert.fail('not written'),
          report: () => {},
          takenAgo: () => {},
        };
        await assert.rejects(async () => group.sample(failing), { message: 'not written' });
        assert.notEqual((await sampleOf(group)).length, 0);
      });

      it(`closes ${name} twice, and without a sample`, async () => {
        const unused = create(SOURCES);
        await unused.find((group) => group.name === name)?.close?.(deadlineIn(5000));
        await closeAll(unused);
        await closeAll(unused);
      });
    }

    it('shares out the CPU time, but not in the first sample', async () => {
      const fresh = create(SOURCES);
      const cpu = fresh.find((group) => group.name === hostGroups.cpu.name) ?? assert.fail();
      assert.equal(sumOf(await sampleOf(cpu), 'system.cpu.utilization'), undefined);
      await sleep(100);
      const sum = sumOf(await sampleOf(cpu), 'system.cpu.utilization') ?? NaN;
      assert.ok(Math.abs(sum - 1) < 1e-9, `${sum}`);
      await closeAll(fresh);
    });

    it('has states of memory that add up to the limit', async () => {
      const points = await sampleOf(find(hostGroups.memory.name));
      assert.equal(sumOf(points, 'system.memory.usage'), sumOf(points, 'system.memory.limit'));
      assert.ok(Math.abs((sumOf(points, 'system.memory.utilization') ?? NaN) - 1) < 1e-9);
    });

    it('has states of each filesystem that add up to its limit', async () => {
      const points = await sampleOf(find(hostGroups.filesystem.name));
      const limits = points.filter(({ name }) => name === 'system.filesystem.limit');
      for (const { attributes, value } of limits) {
        const states = points.filter(
          (point) =>
            point.name === 'system.filesystem.usage' &&
            Object.entries(attributes).every(([key, text]) => point.attributes[key] === text),
        );
        assert.equal(sumOf(states, 'system.filesystem.usage'), value, JSON.stringify(attributes));
      }
    });

    it('leaves no process and nothing open when it is closed', { skip: LINUX }, async () => {
      const [alive, resources] = [children(), process.getActiveResourcesInfo().sort()];
      const fresh = create(SOURCES);
      for (const group of fresh) {
        await group.start?.();
        await sampleOf(group).catch(() => {});
      }
      await closeAll(fresh);
      const others = (): string[] => children().filter((pid) => !alive.includes(pid));
      assert.deepEqual(others(), []);
      await until('nothing is open', () => process.getActiveResourcesInfo().length <= resources.length);
    });
  });
}

describe('the host backends, in the same second', { skip: LINUX }, () => {
  const MIB = 2 ** 20;
  const procfs = LINUX ? [] : createProcfsGroups(SOURCES);
  const systeminformation = LINUX ? [] : createSysteminformationGroups(SOURCES);
  after(() => closeAll([...procfs, ...systeminformation]));

  /** What systeminformation says, and what procfs says right before and right after. */
  async function bracket({
    name,
  }: {
    name: string;
  }): Promise<Map<string, { low: number; value: number; high: number }>> {
    const ours = procfs.find((group) => group.name === name) ?? assert.fail();
    const theirs = systeminformation.find((group) => group.name === name) ?? assert.fail();
    // Its first answer about the CPUs is half a second old.
    await sampleOf(theirs);
    const first = new Map((await sampleOf(ours)).map((point) => [seriesOf(point), point.value]));
    const points = await sampleOf(theirs);
    const last = new Map((await sampleOf(ours)).map((point) => [seriesOf(point), point.value]));
    return new Map(
      points.map((point) => {
        const series = seriesOf(point);
        const [one = NaN, other = NaN] = [first.get(series), last.get(series)];
        return [series, { low: Math.min(one, other), value: point.value, high: Math.max(one, other) }];
      }),
    );
  }

  /** Of what moves in the meantime, some is right only at another try; what is wrong is so each time. */
  async function assertAgree(
    group: { name: string },
    tolerances: Partial<Record<ObservableName, (value: number) => number>>,
  ): Promise<void> {
    await eventually(
      async () => {
        assertWithin(await bracket(group), tolerances);
        return true;
      },
      { withinMs: 10_000 },
    );
  }

  function assertWithin(all: Awaited<ReturnType<typeof bracket>>, tolerances: Parameters<typeof assertAgree>[1]): void {
    for (const [metric, toleranceOf = () => 0] of Object.entries(tolerances)) {
      const series = [...all].filter(([name]) => name.startsWith(`${metric}{`));
      assert.notEqual(series.length, 0, metric);
      for (const [name, { low, value, high }] of series) {
        const text = `${name}: ${value} by systeminformation, ${low} to ${high} by procfs`;
        assert.ok(value >= low - toleranceOf(low) && value <= high + toleranceOf(high), text);
      }
    }
  }

  it('agree on CPU time (two ticks of 10 ms per CPU and mode), and on how many there are', async () => {
    const ticks = () => 0.02 * availableParallelism();
    await assertAgree(hostGroups.cpu, { 'system.cpu.time': ticks, 'system.cpu.logical.count': () => 0 });
  });

  it('agree on the load (0.02, for it is rounded) and the uptime (0.1 s)', async () => {
    await assertAgree(hostGroups.load, { 'metergate.host.load_average': () => 0.02, 'system.uptime': () => 0.1 });
  });

  it('agree on memory (32 MiB or 1 %), and on its limit and that of swap exactly', async () => {
    const bytes = (value: number) => Math.max(32 * MIB, value / 100);
    await assertAgree(hostGroups.memory, {
      'system.memory.limit': () => 0,
      'system.memory.usage': bytes,
      'system.memory.linux.available': bytes,
      'system.memory.linux.slab.usage': bytes,
      'system.paging.usage': bytes,
    });
  });

  it('agree on which filesystems there are, on their size (1 KiB, for df rounds it) and space (16 MiB)', async (t) => {
    const group = hostGroups.filesystem;
    const limits = async (groups: ObservableGroup[]) => {
      const points = await sampleOf(groups.find(({ name }) => name === group.name) ?? assert.fail());
      return points.flatMap(({ name, attributes }) => (name === 'system.filesystem.limit' ? [attributes] : []));
    };
    // Where it does not know the mode, it has none.
    const modeless = (list: Attributes[]) =>
      list.map((attributes) => ({ ...attributes, 'system.filesystem.mode': '' }));
    const sorted = (list: Attributes[]) =>
      modeless(list)
        .map((attributes) => JSON.stringify(Object.entries(attributes).sort()))
        .sort();
    const theirs = await eventually(
      async () => {
        const [ours, found] = [await limits(procfs), await limits(systeminformation)];
        assert.deepEqual(sorted(found), sorted(ours));
        return found;
      },
      { withinMs: 10_000 },
    );
    if (!theirs.some((attributes) => 'system.filesystem.mode' in attributes))
      return t.skip('no filesystem on a device');
    await assertAgree(group, {
      'system.filesystem.limit': () => 1024,
      'system.filesystem.usage': () => 16 * MIB,
      'system.filesystem.utilization': () => 0.01,
    });
  });

  it('agree on the network, of which systeminformation finds what has an address', async () => {
    await assertAgree(hostGroups.network, { 'system.network.io': () => 0, 'system.network.errors': () => 0 });
    const interfaces = [...(await bracket(hostGroups.network)).keys()].flatMap((series) =>
      series.startsWith('system.network.io{') ? [/name=([^,}]+)/.exec(series)?.[1]] : [],
    );
    const addressed = Object.keys(networkInterfaces()).filter((name) => !name.startsWith('veth'));
    assert.deepEqual([...new Set(interfaces)].sort(), addressed.sort());
  });
});
