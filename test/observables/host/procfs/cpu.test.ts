import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCpuGroup } from '../../../../src/observables/host/procfs/cpu.ts';
import { sampleOf } from '../sample.ts';
import { createTree, OLD_KERNEL, SERVER } from './tree.ts';

describe('procfs CPU', () => {
  it('shows the first line of /proc/stat in seconds, without the columns of guests', async () => {
    const { values } = await sampleOf(createCpuGroup({ root: SERVER }));
    assert.deepEqual(values, {
      'system.cpu.time': {
        user: 10,
        nice: 2,
        system: 3,
        idle: 400,
        iowait: 5,
        interrupt: 0.6,
        softirq: 0.7,
        steal: 0.8,
      },
      'system.cpu.logical.count': { '': 2 },
    });
  });

  it('has no steal where the kernel has none', async () => {
    const { values } = await sampleOf(createCpuGroup({ root: OLD_KERNEL }));
    assert.deepEqual(Object.keys(values['system.cpu.time'] ?? {}), [
      'user',
      'nice',
      'system',
      'idle',
      'iowait',
      'interrupt',
      'softirq',
    ]);
  });

  it('counts 256 CPUs, and shares out what they grew by', async (test) => {
    const tree = createTree({ test });
    const group = createCpuGroup(tree);
    tree.write('proc/stat', statOf({ cpus: 256, user: 100, idle: 1000 }));
    assert.deepEqual((await sampleOf(group)).values['system.cpu.logical.count'], { '': 256 });
    tree.write('proc/stat', statOf({ cpus: 256, user: 125, idle: 1075 }));
    const { values } = await sampleOf(group);
    assert.deepEqual(values['system.cpu.time']?.user, (256 * 125) / 100);
    assert.deepEqual(values['system.cpu.utilization'], {
      ...{ user: 0.25, nice: 0, system: 0, idle: 0.75 },
      ...{ iowait: 0, interrupt: 0, softirq: 0, steal: 0 },
    });
  });

  it('goes on when CPUs are taken out, which takes their idle time away, and put back', async (test) => {
    const tree = createTree({ test });
    const group = createCpuGroup(tree);
    const seen = [];
    for (const [cpus, idle] of [
      [4, 1000],
      [2, 1010],
      [2, 1020],
      [4, 1030],
    ] as const) {
      tree.write('proc/stat', statOf({ cpus, user: 100, idle }));
      const { values } = await sampleOf(group);
      seen.push([
        values['system.cpu.logical.count']?.[''],
        values['system.cpu.time']?.idle,
        values['system.cpu.utilization'] && Number(values['system.cpu.utilization'].idle?.toFixed(4)),
      ]);
    }
    assert.deepEqual(seen, [
      [4, 40, undefined],
      [2, 20.2, undefined],
      [2, 20.4, 1],
      [4, 41.2, 0.9123],
    ]);
  });

  it('takes numbers beyond 2^53 as they are, nearly', async (test) => {
    const tree = createTree({ test });
    tree.write('proc/stat', 'cpu  18446744073709551615 0 0 0\n');
    const { values } = await sampleOf(createCpuGroup(tree));
    assert.equal(values['system.cpu.time']?.user, 2 ** 64 / 100);
    assert.equal(values['system.cpu.logical.count'], undefined);
  });

  const broken = { 'an empty file': '', 'no such line': 'cpu0 1 2 3 4\n', 'no numbers': 'cpu  a b c d\n' };
  for (const [what, text] of Object.entries(broken)) {
    it(`is malformed with ${what}`, async (test) => {
      const tree = createTree({ test });
      tree.write('proc/stat', text);
      await assert.rejects(sampleOf(createCpuGroup(tree)), {
        reason: 'malformed',
        message: `${tree.root}/proc/stat has no line "cpu" with numbers`,
      });
    });
  }
});

/** Ticks of each CPU, and behind them the long line that a machine with many has. */
function statOf({ cpus, user, idle }: { cpus: number; user: number; idle: number }): string {
  const line = (name: string, times: number) => `${name} ${user * times} 0 0 ${idle * times} 0 0 0 0 0 0\n`;
  const each = Array.from({ length: cpus }, (_, index) => line(`cpu${index}`, 1));
  return `${line('cpu ', cpus)}${each.join('')}intr 1${' 0'.repeat(10_000)}\nctxt 1\n`;
}
