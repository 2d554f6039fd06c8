import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createV8Group } from '../../../src/observables/process/v8.ts';
import { createTestTelemetry } from '../../support/telemetry.ts';
import { until } from '../../support/until.ts';
import { sampleOf } from '../host/sample.ts';

const sample = async () => (await sampleOf(createV8Group(createTestTelemetry()))).values;
const sum = (series: Record<string, number> = {}) => Object.values(series).reduce((total, value) => total + value, 0);
const PROGRAM = fileURLToPath(new URL('collect-garbage.ts', import.meta.url));

describe('v8', () => {
  it('records every garbage collection that V8 traces, by type', () => {
    const output = execFileSync(process.execPath, ['--expose-gc', '--trace-gc', '--max-semi-space-size=1', PROGRAM], {
      encoding: 'utf8',
    });
    const [, recorded = ''] = output.split(/^(?:START|END)$/m);
    const counts = JSON.parse(/^\{.*\}$/m.exec(output)?.[0] ?? '') as Record<string, number>;
    const traced = [...recorded.matchAll(/ ms: (Scavenge|Minor Mark-Sweep|(?:Incremental )?Mark-Compact)/g)].map(
      ([, type]) => (type?.endsWith('Mark-Compact') ? 'major' : 'minor'),
    );
    const of = (type: string) => traced.filter((found) => found === type).length;
    assert.ok(of('minor') > 10 && of('major') > 1, output);
    assert.equal(counts.minor, of('minor'));
    assert.equal(counts.major, of('major'));
    const known = ['major', 'minor', 'incremental', 'weakcb'];
    assert.deepEqual(
      Object.keys(counts).filter((type) => !known.includes(type)),
      [],
    );
  });

  it('has the heap by space, which adds up to what Node says of the whole (tolerance: 4 MiB, which a collection between the two may free)', async () => {
    const values = await sample();
    const { heapUsed, heapTotal } = process.memoryUsage();
    const near = (value: number, wanted: number) =>
      assert.ok(Math.abs(value - wanted) <= 4 * 1024 ** 2, `${value} ${wanted}`);
    near(sum(values['v8js.memory.heap.used']), heapUsed);
    near(sum(values['v8js.memory.heap.space.size']), heapTotal);
    // Some that is reserved the system has not given yet.
    const physical = sum(values['v8js.memory.heap.space.physical_size']);
    assert.ok(physical > heapUsed / 2 && physical < heapTotal * 2, `${physical} ${heapTotal}`);
    for (const space of ['new_space', 'old_space', 'code_space', 'large_object_space']) {
      assert.ok(values['v8js.memory.heap.space.available_size']?.[space] !== undefined, space);
    }
  });

  it('has the limit that Node was started with (tolerance: 256 MiB of young objects)', () => {
    const program = `import { createV8Group } from ${JSON.stringify(new URL('../../../src/observables/process/v8.ts', import.meta.url).href)};
      const write = (name, value) => name === 'metergate.process.heap.limit' && console.log(value);
      createV8Group({}).sample({ write });`;
    const args = ['--max-old-space-size=200', '--input-type=module', '-e', program];
    const limit = Number(execFileSync(process.execPath, args, { encoding: 'utf8' })) / 1024 ** 2;
    assert.ok(limit >= 200 && limit <= 456, String(limit));
  });

  it('has the memory of buffers outside of the heap', async () => {
    const before = await sample();
    const buffer = Buffer.alloc(64 * 1024 ** 2, 1);
    const after = await sample();
    for (const name of ['metergate.process.memory.external', 'metergate.process.memory.array_buffers']) {
      const grown = (after[name]?.[''] ?? NaN) - (before[name]?.[''] ?? NaN);
      assert.ok(Math.abs(grown - buffer.length) <= 4 * 1024 ** 2, `${name} ${grown}`);
    }
  });

  it('counts what keeps the loop alive by type, and nothing when it is gone', async () => {
    const count = async () => (await sample())['v8js.resource.active']?.TCPServerWrap;
    assert.equal(await count(), undefined);
    const servers = [createServer(), createServer()];
    for (const server of servers) await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    assert.equal(await count(), 2);
    for (const server of servers) await new Promise((resolve) => server.close(resolve));
    await until('they are gone', async () => (await count()) === undefined);
  });
});
