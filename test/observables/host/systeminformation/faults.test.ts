import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createBackoff } from '../../../../src/std/backoff.ts';
import { createSysteminformationGroups } from '../../../../src/observables/host/systeminformation/index.ts';
import { createSampler } from '../../../../src/observables/sampler.ts';
import { createSysteminformation } from '../../../../src/observables/systeminformation/client.ts';
import { deadlineIn } from '../../../../src/std/deadline.ts';
import { until } from '../../../support/until.ts';
import { createPrograms, HANG, isRunning, LINUX } from '../../systeminformation/programs.ts';
import { createTelemetry } from '../../telemetry.ts';

const SOURCES = {
  root: '/',
  disks: { excluded: [] },
  filesystems: { types: ['ext4'], excluded: [] },
  networkInterfaces: { excluded: [] },
};

const DF = `cat <<'END'
Filesystem     Type 1024-blocks     Used Available Capacity Mounted on
none           ext4        1000      600       300      67% /
END`;

describe('systeminformation host readings', { skip: LINUX }, () => {
  it('cost a dead server nothing but filesystems, which come back when it does', async (t) => {
    const programs = createPrograms(t);
    programs.put('df', DF);
    const telemetry = createTelemetry();
    const groups = createSysteminformationGroups(SOURCES, {
      open: () =>
        createSysteminformation({
          env: programs.env,
          timeoutMs: 3000,
          backoff: createBackoff({ firstMs: 0, mostMs: 0 }),
        }),
    });
    const samplers = groups.map((group) => createSampler({ group, intervalMs: 250, timeoutMs: 5000, ...telemetry }));
    const shutdown = () => Promise.all(samplers.map((sampler) => sampler.shutdown(deadlineIn(5000))));
    t.after(shutdown);
    const collect = () => telemetry.collect();
    const failures = async () => (await collect())['metergate.observable.errors'] ?? {};
    await Promise.all(samplers.map((sampler) => sampler.start()));
    assert.deepEqual((await collect())['system.filesystem.limit'], { 'none / ext4': 1_024_000 });

    programs.put('df', HANG);
    await until('filesystems fail', async () => Object.keys(await failures()).length > 0);
    const metrics = await collect();
    assert.equal(metrics['system.filesystem.limit'], undefined);
    assert.deepEqual(metrics['metergate.observable.errors'], { 'timeout host.filesystem': 1 });
    for (const name of ['system.cpu.time', 'system.memory.limit', 'system.network.io', 'system.uptime']) {
      assert.ok(metrics[name], name);
    }
    assert.deepEqual(telemetry.lines(), ['warn sample failed host.filesystem']);

    programs.put('df', DF);
    await until('they are back', async () => (await collect())['system.filesystem.limit'] !== undefined);
    assert.deepEqual(telemetry.lines(), [
      'warn sample failed host.filesystem',
      'info observable recovered host.filesystem',
    ]);
    const hung = programs.hung();
    await shutdown();
    await until('nobody is left', () => hung.every(({ pid, group }) => !isRunning(pid) && !isRunning(group)));
  });
});
