import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { platform } from 'node:os';
import { describe, it } from 'node:test';
import { mem } from 'systeminformation';
import { createMemoryGroup } from '../../../src/observables/host/memory.ts';
import { createTelemetry } from '../telemetry.ts';

type Memory = Awaited<ReturnType<Parameters<typeof createMemoryGroup>[0]>>;

const LINUX = platform() === 'linux' ? false : 'needs /proc/meminfo';
/** What other programs may take or give back while a sample runs. */
const TOLERANCE_BYTES = 32 * 1024 ** 2;

const memory: Memory = {
  total: 1000,
  free: 300,
  cached: 250,
  buffers: 50,
  available: 500,
  swapused: 0,
  swapfree: 64,
};

async function exportOf(read: () => Promise<Memory>, on: NodeJS.Platform) {
  const telemetry = createTelemetry();
  const group = createMemoryGroup(read, on);
  const readings = await group.sample();
  group.register(telemetry.instruments, () => readings);
  return telemetry.collect();
}
const sum = (series: Record<string, number> = {}) => Object.values(series).reduce((total, value) => total + value, 0);

/** Bytes by field name. */
function meminfo(): Record<string, number> {
  const lines = readFileSync('/proc/meminfo', 'utf8').matchAll(/^(\w+): +(\d+) kB$/gm);
  return Object.fromEntries(Array.from(lines, ([, name = '', kib]) => [name, Number(kib) * 1024]));
}

describe('host memory', () => {
  it('says what /proc/meminfo says (tolerance: 32 MiB around the moment of the sample)', { skip: LINUX }, async () => {
    const before = meminfo();
    const metrics = await exportOf(mem, 'linux');
    const after = meminfo();

    const usage = metrics['system.memory.usage'] ?? {};
    const expectations: [field: string, value: number | undefined, toleranceBytes: number][] = [
      ['MemTotal', metrics['system.memory.limit']?.[''], 0],
      ['MemFree', usage.free, TOLERANCE_BYTES],
      ['Cached', usage.cached, TOLERANCE_BYTES],
      ['Buffers', usage.buffers, TOLERANCE_BYTES],
      ['MemAvailable', metrics['system.linux.memory.available']?.[''], TOLERANCE_BYTES],
      ['SwapTotal', sum(metrics['system.paging.usage']), 0],
      ['SwapFree', metrics['system.paging.usage']?.free, TOLERANCE_BYTES],
    ];
    for (const [field, value = NaN, toleranceBytes] of expectations) {
      const [low = NaN, high = NaN] = [before[field] ?? NaN, after[field] ?? NaN].sort((a, b) => a - b);
      assert.ok(value >= low - toleranceBytes && value <= high + toleranceBytes, `${field}: ${value}`);
    }
  });

  it('has states that add up to the limit, and shares that add up to 1', async () => {
    const metrics = await exportOf(mem, platform());
    assert.equal(sum(metrics['system.memory.usage']), metrics['system.memory.limit']?.['']);
    assert.ok(Math.abs(sum(metrics['system.memory.utilization']) - 1) < 1e-9);
  });

  it('counts the page cache as cached and not as used, and exports a true 0', async () => {
    const metrics = await exportOf(() => Promise.resolve(memory), 'linux');
    assert.deepEqual(metrics['system.memory.usage'], { used: 400, free: 300, cached: 250, buffers: 50 });
    assert.deepEqual(metrics['system.memory.utilization'], { used: 0.4, free: 0.3, cached: 0.25, buffers: 0.05 });
    assert.deepEqual(metrics['system.linux.memory.available'], { '': 500 });
    assert.deepEqual(metrics['system.paging.usage'], { used: 0, free: 64 });
  });

  it('leaves out what the platform does not tell', async () => {
    const elsewhere = { ...memory, cached: 0, buffers: 0 };
    const mac = await exportOf(() => Promise.resolve(elsewhere), 'darwin');
    assert.deepEqual(mac['system.memory.usage'], { used: 700, free: 300 });
    assert.equal(mac['system.linux.memory.available'], undefined);
    assert.deepEqual(mac['system.paging.usage'], { used: 0, free: 64 });
    const bsd = await exportOf(() => Promise.resolve(elsewhere), 'freebsd');
    assert.equal(bsd['system.paging.usage'], undefined);
  });

  for (const [what, free] of Object.entries({ missing: undefined as unknown as number, NaN: NaN })) {
    it(`leaves out a state that is ${what}, and what is computed from it`, async () => {
      const metrics = await exportOf(() => Promise.resolve({ ...memory, free }), 'linux');
      assert.deepEqual(metrics['system.memory.usage'], { cached: 250, buffers: 50 });
      assert.deepEqual(metrics['system.memory.utilization'], { cached: 0.25, buffers: 0.05 });
    });
  }

  it('leaves out a state that comes out negative', async () => {
    const metrics = await exportOf(() => Promise.resolve({ ...memory, cached: 900 }), 'linux');
    assert.deepEqual(metrics['system.memory.usage'], { free: 300, cached: 900, buffers: 50 });
  });

  it('has no utilization without a limit', async () => {
    const metrics = await exportOf(() => Promise.resolve({ ...memory, total: 0 }), 'linux');
    assert.equal(metrics['system.memory.utilization'], undefined);
  });
});
