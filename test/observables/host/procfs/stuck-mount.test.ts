import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, describe, it } from 'node:test';
import { createFilesystemGroup } from '../../../../src/observables/host/procfs/filesystem.ts';
import { createStatfs, type Space } from '../../../../src/observables/host/procfs/statfs.ts';
import { createObservables } from '../../../../src/observables/index.ts';
import { deadlineIn } from '../../../../src/std/deadline.ts';
import { createTelemetry } from '../../telemetry.ts';
import { sampleOf } from '../sample.ts';
import { createTree, mountLine, sourcesOf } from './tree.ts';

const LIMIT = 'system.filesystem.limit';
const space: Omit<Space, 'dev'> = { bsize: 1, blocks: 100, bfree: 40, bavail: 30, files: 0, ffree: 0 };

/** statfs of a machine where some mount points hang until they are let go. */
function createHanging(...paths: string[]) {
  const hanging = new Map(paths.map((path) => [path, Promise.withResolvers<Space>()]));
  const answer = (path: string) => ({ ...space, dev: devOf(path) });
  const calls: string[] = [];
  return {
    calls,
    call: (path: string) => {
      calls.push(path);
      return hanging.get(path)?.promise ?? Promise.resolve(answer(path));
    },
    letGo: (path: string) => {
      hanging.get(path)?.resolve(answer(path));
      hanging.delete(path);
    },
  };
}

/** Each mount point has one of its own. */
function devOf(path: string): number {
  return path.charCodeAt(path.length - 1);
}

const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

describe('a stuck mount', () => {
  const tree = createTree();
  after(() => tree[Symbol.dispose]());
  const { root } = tree;
  const mounts = ['a', 'b', 'c', 'd'].map((name) =>
    mountLine({ at: `/${name}`, source: `/dev/${name}`, device: `0:${devOf(name)}` }),
  );
  tree.write('proc/1/mountinfo', mounts.join(''));
  const groupOf = (call: (path: string) => Promise<Space>, timeoutMs = 5) =>
    createFilesystemGroup({ ...sourcesOf(root), statfs: { call, timeoutMs } });

  it('costs its own readings, is not called again before it answers, and comes back then', async () => {
    const { call, calls, letGo } = createHanging(`${root}/b`);
    const group = groupOf(call);
    for (let samples = 1; samples <= 2; samples++) {
      const { values, reports } = await sampleOf(group);
      assert.deepEqual(
        Object.keys(values[LIMIT] ?? {}),
        ['a', 'c', 'd'].map((name) => `/dev/${name} /${name} ext4 rw`),
      );
      assert.deepEqual(reports, [`timeout: statfs ${root}/b has not answered`]);
    }
    assert.equal(calls.filter((path) => path === `${root}/b`).length, 1);

    letGo(`${root}/b`);
    await sleep(0);
    const { values, reports } = await sampleOf(group);
    assert.equal(Object.keys(values[LIMIT] ?? {}).length, 4);
    assert.deepEqual(reports, []);
  });

  it('is one of two at most: then no other is called, and says so', async () => {
    const { call, calls, letGo } = createHanging(`${root}/a`, `${root}/b`, `${root}/c`);
    const group = groupOf(call);
    await assert.rejects(sampleOf(group), { reason: 'timeout', message: `statfs ${root}/a has not answered` });
    assert.deepEqual(calls, [`${root}/a`, `${root}/b`]);
    await assert.rejects(sampleOf(group), { reason: 'timeout' });
    assert.deepEqual(calls, [`${root}/a`, `${root}/b`]);

    letGo(`${root}/b`);
    await sleep(0);
    const { values, reports } = await sampleOf(group);
    assert.deepEqual(Object.keys(values[LIMIT] ?? {}), ['/dev/b /b ext4 rw']);
    assert.deepEqual(reports, [
      `timeout: statfs ${root}/a has not answered`,
      `timeout: statfs ${root}/c has not answered`,
      `timeout: statfs ${root}/d is not called while 2 others have not answered`,
    ]);
  });

  it('leaves no timer behind when the group is closed, and what it says too late is dropped', async () => {
    const { call, letGo } = createHanging('/stuck');
    const { space: ask, close } = createStatfs({ call, timeoutMs: 3_600_000 });
    const before = timers();
    const asked = ask('/stuck', { dev: true });
    assert.equal(timers(), before + 1);
    close();
    close();
    await assert.rejects(asked, /closed/);
    assert.equal(timers(), before);
    letGo('/stuck');
    await sleep(0);
  });

  it('shows in the metrics and in one log line, and recovers', async () => {
    const telemetry = createTelemetry();
    const { call, letGo } = createHanging(`${root}/b`);
    const observables = createObservables({ ...telemetry, groups: [{ group: groupOf(call), intervalMs: 5 }] });
    const until = async (condition: (metrics: Record<string, Record<string, number>>) => boolean) => {
      for (;;) {
        const metrics = await telemetry.collect();
        if (condition(metrics)) return metrics;
        await sleep(2);
      }
    };
    const success = (metrics: Record<string, Record<string, number>>) =>
      metrics['metergate.observable.sample.success']?.['host.filesystem'];

    await observables.start();
    const errors = (metrics: Record<string, Record<string, number>>) =>
      Object.values(metrics['metergate.observable.errors'] ?? {}).reduce((sum, count) => sum + count, 0);
    const failing = await until((metrics) => errors(metrics) > 2);
    assert.equal(success(failing), 0);
    assert.deepEqual(Object.keys(failing['metergate.observable.errors'] ?? {}), ['timeout host.filesystem']);
    assert.ok(observables.ready());
    assert.equal(Object.keys(failing[LIMIT] ?? {}).length, 3);
    letGo(`${root}/b`);
    const recovered = await until((metrics) => success(metrics) === 1);
    assert.equal(Object.keys(recovered[LIMIT] ?? {}).length, 4);
    await observables.shutdown(deadlineIn(5000));
    assert.deepEqual(telemetry.lines(), [
      'warn sample failed host.filesystem',
      'info observable recovered host.filesystem',
    ]);
  });
});
