import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createObservables } from '../../../../src/observables/index.ts';
import type { SampleReason } from '../../../../src/observables/observable.ts';
import { deadlineIn } from '../../../../src/std/deadline.ts';
import { until } from '../../../support/until.ts';
import { createTelemetry } from '../../telemetry.ts';
import { createTree, mountLine, SERVER, sourcesOf, type Tree } from './tree.ts';

/** Who reads a file, and a series that is in no other: the values of its attributes in the order of their keys. */
const FILES: Record<string, { group: string; metric: string; series: string }> = {
  'proc/stat': { group: 'host.cpu', metric: 'system.cpu.time', series: 'steal' },
  'proc/loadavg': { group: 'host.load', metric: 'metergate.host.load_average', series: '1m' },
  'proc/meminfo': { group: 'host.memory', metric: 'system.memory.usage', series: 'used' },
  'proc/vmstat': { group: 'host.paging', metric: 'system.paging.faults', series: 'major' },
  'proc/diskstats': { group: 'host.disk', metric: 'system.disk.io', series: 'read sda' },
  'proc/1/mountinfo': { group: 'host.filesystem', metric: 'system.filesystem.limit', series: '/dev/vda rw / ext4' },
  'proc/1/net/dev': { group: 'host.network', metric: 'system.network.io', series: 'eth0 receive' },
  'proc/pressure/io': { group: 'host.pressure', metric: 'metergate.host.pressure.time', series: 'io some' },
};

const faults: Record<string, { make: (tree: Tree, path: string) => void; reason: SampleReason; besides?: string }> = {
  // Of pressure it is no fault: the kernel may have none.
  'is missing': { make: (tree, path) => tree.remove(path), reason: 'missing', besides: 'host.pressure' },
  'cannot be read': { make: (tree, path) => tree.makeUnreadable(path), reason: 'unreadable' },
  'is malformed': { make: (tree, path) => tree.write(path, 'garbage\n'), reason: 'malformed' },
};

const ERRORS = 'metergate.observable.errors';
const SUCCESS = 'metergate.observable.sample.success';

describe('observables', () => {
  for (const [fault, { make, reason, besides }] of Object.entries(faults)) {
    for (const [path, { group, metric, series }] of Object.entries(FILES)) {
      if (group === besides) continue;
      it(`go on when ${path} ${fault}, say so in a metric and one log line, and recover`, async (test) => {
        const tree = createTree({ test, like: SERVER });
        tree.write('proc/1/mountinfo', mountLine({ at: '/' }));
        const text = readFileSync(join(tree.root, path), 'utf8');
        const telemetry = createTelemetry();
        const { filesystems, ...sources } = sourcesOf(tree.root);
        const host = {
          ...sources,
          filesystems: { ...filesystems, intervalMs: 5 },
          intervalMs: 5,
          backend: 'auto',
        } as const;
        const observables = createObservables({ ...telemetry, host });
        test.after(() => observables.shutdown(deadlineIn(5000)));
        await observables.start();
        const before = await telemetry.collect();
        assert.notEqual(before[metric]?.[series], undefined);
        assert.equal(before[ERRORS], undefined);

        make(tree, path);
        const counted = async () => (await telemetry.collect())[ERRORS]?.[`${reason} ${group}`] ?? 0;
        await until('three samples have failed', async () => (await counted()) >= 3);
        const failing = await telemetry.collect();
        assert.equal(failing[metric]?.[series], undefined);
        assert.deepEqual(Object.keys(failing[ERRORS] ?? {}), [`${reason} ${group}`]);
        assert.deepEqual(failing[SUCCESS], { ...before[SUCCESS], [group]: 0 });
        for (const { metric: other } of Object.values(FILES)) if (other !== metric) assert.ok(failing[other], other);
        assert.ok(observables.ready());
        const failed = `warn sample failed ${group}`;
        const lines = () => telemetry.lines().filter((line) => !line.startsWith('info host backend'));
        assert.deepEqual(lines(), [failed]);

        tree.write(path, text);
        await until('it has recovered', async () => (await telemetry.collect())[SUCCESS]?.[group] === 1);
        const recovered = await telemetry.collect();
        assert.notEqual(recovered[metric]?.[series], undefined);
        assert.deepEqual(recovered[SUCCESS], before[SUCCESS]);
        assert.deepEqual(lines(), [failed, `info observable recovered ${group}`]);
      });
    }
  }
});
