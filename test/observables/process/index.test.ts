import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { cpus, platform } from 'node:os';
import { describe, it } from 'node:test';
import { createProcessGroup, type ProcessReadings } from '../../../src/observables/process/index.ts';
import { createTelemetry } from '../telemetry.ts';

const LINUX = platform() === 'linux' ? false : 'needs /proc/self';
/** The kernel counts memory per CPU and adds it up late; the garbage collector may run in between. */
const RESIDENT_TOLERANCE_BYTES = 16 * 1024 ** 2;

/** What the kernel says of this process; clock ticks are 10 ms. */
function procSelf() {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = (field: number) => Number(fields[field - 3]) / 100;
  const residentKib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
  const hostUptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  return { user: ticks(14), system: ticks(15), residentBytes: residentKib * 1024, uptime: hostUptime - ticks(22) };
}
const burn = (ms: number): void => {
  for (const endMs = performance.now() + ms; performance.now() < endMs;);
};

async function exportOf(readings: ProcessReadings) {
  const telemetry = createTelemetry();
  createProcessGroup().register(telemetry.instruments, () => readings);
  return telemetry.collect();
}

describe('process', () => {
  it(
    'says what /proc/self says (tolerance: 20 ms of CPU time, 16 MiB, a second of start-up)',
    { skip: LINUX },
    async () => {
      burn(100);
      const before = procSelf();
      const readings = await createProcessGroup().sample();
      const after = procSelf();

      const metrics = await exportOf(readings);
      const between = (what: string, value = NaN, low: number, high: number, tolerance: number) =>
        assert.ok(value >= low - tolerance && value <= high + tolerance, `${what}: ${value}`);
      const time = metrics['process.cpu.time'];
      between('user', time?.user, before.user, after.user, 0.02);
      between('system', time?.system, before.system, after.system, 0.02);
      const [low = NaN, high = NaN] = [before.residentBytes, after.residentBytes].sort((a, b) => a - b);
      between('resident', metrics['process.memory.usage']?.[''], low, high, RESIDENT_TOLERANCE_BYTES);
      between('uptime', metrics['process.uptime']?.[''], before.uptime, after.uptime, 1);
    },
  );

  it('has no utilization in the first sample, and then the share of all logical CPUs', async () => {
    const group = createProcessGroup();
    const first = await group.sample();
    const firstEndMs = performance.now();
    assert.equal((await exportOf(first))['process.cpu.utilization'], undefined);
    burn(100);
    const secondStartMs = performance.now();
    const second = await group.sample();

    const grown = second.cpuSeconds.user - first.cpuSeconds.user;
    const share = (await exportOf(second))['process.cpu.utilization']?.user ?? NaN;
    assert.ok(grown > 0);
    // The samples are at least this far apart, so the share is at most that.
    assert.ok(share > 0 && share <= grown / (((secondStartMs - firstEndMs) / 1000) * cpus().length));
  });

  it('exports nothing without readings', async () => {
    const telemetry = createTelemetry();
    createProcessGroup().register(telemetry.instruments, () => undefined);
    assert.deepEqual(Object.values(await telemetry.collect()).flatMap(Object.keys), []);
  });
});
