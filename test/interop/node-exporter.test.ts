// The host's readings beside those of prometheus-node-exporter, for all that both have: as the groups read them, and on the gateway's page.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostGroups } from '../../src/observables/host/host.ts';
import type { ObservableName } from '../../src/telemetry/instruments.ts';
import { readPage, type Sample } from '../exposition/read-page.ts';
import { startGateway } from '../support/gateway.ts';
import { skipWithout } from '../support/interop.ts';
import { startNodeExporter, type NodeExporter } from '../support/node-exporter.ts';
import { assertAgrees, openHost, slackOf, type Expected, type Host } from './host-readings.ts';
import { cpu, expectedOf, filesystems, shownOf, onlyOurs, rows, type Row } from './node-exporter-rows.ts';

/** By default it leaves out interfaces and mounts that we have. Of filesystems still those that are no disk's, or that may hang. */
const FLAGS = [
  '--collector.netdev.device-exclude=^$',
  '--collector.filesystem.mount-points-exclude=^$',
  '--collector.filesystem.fs-types-exclude=^(autofs|binfmt_misc|bpf|cgroup2?|cifs|configfs|debugfs|devpts|fuse.*|hugetlbfs|' +
    'mqueue|nfs.*|nsfs|proc|pstore|rpc_pipefs|securityfs|selinuxfs|sysfs|tracefs)$',
];

describe('beside prometheus-node-exporter', { skip: skipWithout('nodeExporter'), timeout: 240_000 }, () => {
  let nodeExporter: NodeExporter;
  before(async () => {
    nodeExporter = await startNodeExporter(FLAGS);
  });
  after(() => nodeExporter.stop());

  const expected = async (own: readonly Row[], { sources }: Host): Promise<Expected[]> => {
    const page = shownOf(await nodeExporter.scrape(), sources);
    return own.flatMap((row) => expectedOf(row, page));
  };

  for (const [name, own] of Map.groupBy(rows, ({ ours }) => ours)) {
    it(`${name} is the same`, async (t) => {
      const host = openHost();
      const [ours, theirs] = [await host.sample(), await expected(own, host)];
      if (theirs.length === 0 && ours(name).length === 0) t.skip('there is none of it, for both');
      else await assertAgrees({ host, expected: () => expected(own, host), onlyOurs });
    });
  }

  it('nothing that we read of the host is left out', () => {
    const apart: readonly ObservableName[] = ['system.cpu.logical.count', 'system.cpu.utilization'];
    const compared = new Set([...rows.map(({ ours }) => ours), ...apart]);
    const ours = Object.values(hostGroups).flatMap(({ instruments }): readonly ObservableName[] => instruments);
    assert.deepEqual([...compared].toSorted(), ours.toSorted());
  });

  it('with other types and nothing excluded, filesystems are the same', async () => {
    const types = ['tmpfs', 'devtmpfs', 'ramfs', 'squashfs', 'iso9660', 'ext4', 'xfs', 'btrfs', 'overlay'];
    const host = openHost((sources) => ({ ...sources, filesystems: { types, excluded: [] } }));
    await assertAgrees({ host, expected: () => expected(filesystems, host) });
  });

  it('filesystems are rw where they are not read-only there', async () => {
    const host = openHost();
    const page = shownOf(await nodeExporter.scrape(), host.sources);
    const theirs = page
      .filter(({ name }) => name === 'node_filesystem_readonly')
      .map(({ labels, value }) => `${labels.get('mountpoint')} ${value === 0 ? 'rw' : 'ro'}`);
    const ours = (await host.sample())('system.filesystem.limit').map(
      ({ attributes = {} }) =>
        `${String(attributes['system.filesystem.mountpoint'])} ${String(attributes['system.filesystem.mode'])}`,
    );
    assert.deepEqual(ours.toSorted(), theirs.toSorted());
  });

  it('there are as many logical CPUs', async () => {
    const cpus = new Set((await nodeExporter.scrape()).flatMap(({ labels }) => labels.get('cpu') ?? []));
    const ours = (await openHost().sample())('system.cpu.logical.count');
    assert.deepEqual(
      ours.map(({ value }) => value),
      [cpus.size],
    );
  });

  it('the utilization of the CPUs is what their counters grew by', async () => {
    const host = openHost();
    let difference = 1;
    for (let i = 0; i < TRIES && difference > UTILIZATION; i++)
      difference = await utilizationDifference(host, nodeExporter);
    assert.ok(difference <= UTILIZATION, `differs by ${difference}`);
  });
});

const TRIES = 15;
/** A tick is half a percent of a second of two CPUs, and the two of them read some milliseconds after one another. */
const UTILIZATION = 0.05;
const HALF_MS = 500;

/** @returns the largest difference of a mode's share over a second, in half of which one CPU has something to do. */
async function utilizationDifference(host: Host, nodeExporter: NodeExporter): Promise<number> {
  const read = async () => {
    const ours = await host.sample();
    const page = await nodeExporter.scrape();
    return { ours, theirs: cpu.flatMap((row) => expectedOf(row, page)) };
  };
  const first = await read();
  const endMs = performance.now() + HALF_MS;
  while (performance.now() < endMs);
  await sleep(HALF_MS);
  const last = await read();
  const grown = last.theirs.map(({ value }, i) => value - (first.theirs[i]?.value ?? NaN));
  const whole = grown.reduce((sum, each) => sum + each, 0);
  const ours = new Map(
    last.ours('system.cpu.utilization').map(({ value, attributes }) => [attributes?.['cpu.mode'], value]),
  );
  const differences = last.theirs.map(({ attributes }, i) => {
    return Math.abs((grown[i] ?? NaN) / whole - (ours.get(attributes['cpu.mode']) ?? NaN));
  });
  return Math.max(...differences);
}

/** What only grows, and what stays; by its name at Prometheus. */
const onThePage: Readonly<Partial<Record<ObservableName, string>>> = {
  'system.cpu.time': 'system_cpu_time_seconds_total',
  'system.uptime': 'system_uptime_seconds',
  'system.memory.limit': 'system_memory_limit_bytes',
  'system.paging.faults': 'system_paging_faults_total',
  'system.disk.io': 'system_disk_io_bytes_total',
  'system.disk.operations': 'system_disk_operations_total',
  'system.disk.operation_time': 'system_disk_operation_time_seconds_total',
  'system.filesystem.limit': 'system_filesystem_limit_bytes',
  'system.network.io': 'system_network_io_bytes_total',
  'metergate.host.pressure.time': 'metergate_host_pressure_time_seconds_total',
};

describe('the page of a gateway as it is by default', { skip: skipWithout('nodeExporter'), timeout: 240_000 }, () => {
  const undo: (() => Promise<unknown>)[] = [];
  after(async () => {
    for (const each of undo) await each();
  });

  it('has what prometheus-node-exporter says before it starts, or after, or what is between', async () => {
    const nodeExporter = await startNodeExporter(FLAGS);
    undo.unshift(() => nodeExporter.stop());
    const scrape = async () => shownOf(await nodeExporter.scrape(), openHost().sources);
    const first = await scrape();
    const gateway = await startGateway({ upstreams: [{ name: 'none', url: 'http://127.0.0.1:1' }] });
    undo.unshift(() => gateway.stop());
    const page = readPage(await (await fetch(`${gateway.urls.metrics}/metrics`)).text()).samples;
    const last = await scrape();

    for (const [ours, name] of Object.entries(onThePage)) {
      const own = rows.filter((row) => row.ours === ours);
      const most = new Map(own.flatMap((row) => expectedOf(row, last)).map((each) => [keyOf(each), each]));
      for (const least of own.flatMap((row) => expectedOf(row, first))) {
        const shown = page.filter((sample) => sample.name === name && hasLabels(sample, least.attributes));
        assert.equal(shown.length, 1, `${keyOf(least)} is on the page once`);
        const [value = NaN, highest = NaN] = [shown[0]?.value, most.get(keyOf(least))?.value];
        const what = `${keyOf(least)}: ${least.value} <= ${value} <= ${highest}`;
        assert.ok(value >= least.value - slackOf(least) && value <= highest + slackOf(least), what);
      }
    }
  });
});

function keyOf({ name, attributes }: Expected): string {
  return `${name} ${JSON.stringify(attributes)}`;
}

function hasLabels({ labels }: Sample, attributes: Readonly<Record<string, string>>): boolean {
  return Object.entries(attributes).every(([key, value]) => labels.get(key.replaceAll('.', '_')) === value);
}
