import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, platform } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, describe, it } from 'node:test';
import { currentLoad } from 'systeminformation';
import { createCpuGroup, type CpuReadings } from '../../../src/observables/host/cpu.ts';
import { createTelemetry } from '../telemetry.ts';

const LINUX = platform() === 'linux' ? false : 'needs /proc/stat';
const MODES = ['user', 'nice', 'system', 'idle', 'interrupt'] as const;

/** Milliseconds of increments as `currentLoad()` gives them, on two CPUs. */
const load = (user: number, system = 200, nice = 0, idle = 700, irq = 0) => ({
  rawCurrentLoadUser: user,
  rawCurrentLoadSystem: system,
  rawCurrentLoadNice: nice,
  rawCurrentLoadIdle: idle,
  rawCurrentLoadIrq: irq,
  cpus: [{}, {}],
});

/** Exports what the group reads from one load after the other, a second apart. */
async function exportOf(...loads: ReturnType<typeof load>[]) {
  const telemetry = createTelemetry();
  let seconds = 0;
  let nth = 0;
  const group = createCpuGroup(
    () => Promise.resolve(loads[nth++] ?? assert.fail()),
    () => 1000 * seconds,
  );
  let readings: CpuReadings | undefined;
  group.register(telemetry.instruments, () => readings);
  for (; seconds < loads.length; seconds++) readings = await group.sample();
  return telemetry.collect();
}

/** Seconds by mode over all CPUs; the fields of the `cpu` line are user nice system idle iowait irq, in ticks of 10 ms. */
function procStat(): Record<(typeof MODES)[number], number> {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '';
  const [user = NaN, nice = NaN, system = NaN, idle = NaN, , interrupt = NaN] = line
    .split(/\s+/)
    .slice(1)
    .map((ticks) => Number(ticks) / 100);
  return { user, nice, system, idle, interrupt };
}

describe('host CPU', () => {
  // The wait between two samples does not keep a process alive, as it should not.
  const alive = setInterval(() => {}, 1_000);
  after(() => clearInterval(alive));

  it('grows as /proc/stat does (tolerance: two ticks of 10 ms per CPU and mode)', { skip: LINUX }, async () => {
    const group = createCpuGroup(currentLoad);
    const bracketed = async () => {
      const before = procStat();
      const readings = await group.sample();
      return { before, readings, after: procStat() };
    };
    await bracketed(); // The first call takes half a second somewhere between the two.
    await sleep(250);
    const first = await bracketed();
    for (const endMs = performance.now() + 300; performance.now() < endMs;);
    const second = await bracketed();

    const tolerance = cpus().length * 0.02;
    for (const mode of MODES) {
      const grown = (second.readings.timeSeconds[mode] ?? NaN) - (first.readings.timeSeconds[mode] ?? NaN);
      assert.ok(grown >= second.before[mode] - first.after[mode] - tolerance, `${mode} grew by ${grown} s`);
      assert.ok(grown <= second.after[mode] - first.before[mode] + tolerance, `${mode} grew by ${grown} s`);
    }
    const shares = Object.values(second.readings.utilization);
    assert.equal(shares.length, MODES.length);
    assert.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) < 1e-9);
  });

  it('counts the logical CPUs that nproc --all counts', { skip: LINUX }, async () => {
    const { logicalCount } = await createCpuGroup(currentLoad).sample();
    assert.ok(logicalCount >= availableParallelism());
    assert.equal(logicalCount, Number(execFileSync('nproc', ['--all'], { encoding: 'utf8' })));
  });

  it('starts the time at 0 and has no utilization before the second sample', async () => {
    const metrics = await exportOf(load(9000));
    assert.deepEqual(metrics['system.cpu.time'], { user: 0, nice: 0, system: 0, idle: 0, interrupt: 0 });
    assert.equal(metrics['system.cpu.utilization'], undefined);
    assert.deepEqual(metrics['system.cpu.logical.count'], { '': 2 });
  });

  it('adds up the increments in seconds, and shares the last of them out, zeros included', async () => {
    const metrics = await exportOf(load(9000), load(900, 100, 0, 1000), load(100, 200, 0, 700));
    assert.deepEqual(metrics['system.cpu.time'], { user: 1, nice: 0, system: 0.3, idle: 1.7, interrupt: 0 });
    assert.deepEqual(metrics['system.cpu.utilization'], { user: 0.1, nice: 0, system: 0.2, idle: 0.7, interrupt: 0 });
  });

  for (const [what, user] of Object.entries({ missing: undefined as unknown as number, NaN: NaN, negative: -10 })) {
    it(`leaves out a mode whose increment is ${what}, and the shares of all`, async () => {
      const metrics = await exportOf(load(9000), load(user));
      assert.deepEqual(metrics['system.cpu.time'], { nice: 0, system: 0.2, idle: 0.7, interrupt: 0 });
      assert.equal(metrics['system.cpu.utilization'], undefined);
    });
  }

  it('goes on counting after a mode was left out', async () => {
    const metrics = await exportOf(load(9000), load(500), load(-10), load(500));
    assert.equal(metrics['system.cpu.time']?.user, 1);
  });

  it('has no shares when no time was counted', async () => {
    const metrics = await exportOf(load(9000), load(0, 0, 0, 0));
    assert.equal(metrics['system.cpu.utilization'], undefined);
  });

  it('counts no time twice when samples follow each other at once', { skip: LINUX }, async () => {
    const group = createCpuGroup(currentLoad);
    const sum = (times: Partial<Record<string, number>>) =>
      MODES.reduce((total, mode) => total + (times[mode] ?? NaN), 0);
    const before = sum(procStat());
    await group.sample();
    await group.sample();
    const counted = sum((await group.sample()).timeSeconds);
    assert.ok(counted > 0);
    assert.ok(counted <= sum(procStat()) - before + cpus().length * MODES.length * 0.02, `${counted} s`);
  });

  it('fails while the wall clock is set back, for then the same increments come again', async () => {
    let nowMs = 1_000_000;
    let calls = 0;
    const group = createCpuGroup(
      () => Promise.resolve(load(++calls)),
      () => nowMs,
    );
    await group.sample();
    nowMs -= 60_000;
    await assert.rejects(group.sample(), /the clock was set back by 60000 ms/);
    assert.equal(calls, 1);
    nowMs += 61_000;
    assert.equal((await group.sample()).timeSeconds.user, 0.002);
  });

  it('fails when no CPU is visible', async () => {
    await assert.rejects(createCpuGroup(() => Promise.resolve({ ...load(1), cpus: [] })).sample(), /no CPU/);
  });
});
