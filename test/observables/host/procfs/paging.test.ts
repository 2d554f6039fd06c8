import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createPagingGroup } from '../../../../src/observables/host/procfs/paging.ts';
import { sampleOf } from '../sample.ts';
import { createTree, OLD_KERNEL, SERVER } from './tree.ts';

describe('procfs paging', () => {
  it('shows swapping, faults and OOM kills', async () => {
    const { values } = await sampleOf(createPagingGroup({ root: SERVER }));
    assert.deepEqual(values, {
      'system.paging.operations': { in: 11, out: 22 },
      'system.paging.faults': { minor: 23_639_505 - 2011, major: 2011 },
      'metergate.host.oom_kills': { '': 3 },
    });
  });

  it('has no OOM kills where the kernel does not count them', async () => {
    const { values } = await sampleOf(createPagingGroup({ root: OLD_KERNEL }));
    assert.deepEqual(values, {
      'system.paging.operations': { in: 0, out: 0 },
      'system.paging.faults': { minor: 990, major: 10 },
    });
  });

  it('holds the minor faults while faults that have begun turn out to be major, and takes a restart', async (test) => {
    const tree = createTree({ test });
    const group = createPagingGroup(tree);
    const minor = async (all: number, major: number) => {
      tree.write('proc/vmstat', `pgfault ${all}\npgmajfault ${major}\n`);
      return (await sampleOf(group)).values['system.paging.faults']?.minor;
    };
    assert.deepEqual([await minor(100, 10), await minor(101, 15), await minor(120, 20)], [90, 90, 100]);
    assert.equal(await minor(50, 1), 49);
  });

  for (const text of ['', 'pgfault 1\n', 'pgfault many\npgmajfault 1\n']) {
    it(`is malformed with ${JSON.stringify(text)}`, async (test) => {
      const tree = createTree({ test });
      tree.write('proc/vmstat', text);
      const error = { reason: 'malformed', message: `${tree.root}/proc/vmstat has no pgfault and pgmajfault` };
      await assert.rejects(sampleOf(createPagingGroup(tree)), error);
    });
  }
});
