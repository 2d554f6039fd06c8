import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createPressureGroup } from '../../../../src/observables/host/procfs/pressure.ts';
import { sampleOf } from '../sample.ts';
import { createTree, OLD_KERNEL, SERVER } from './tree.ts';

const TIME = 'metergate.host.pressure.time';

describe('procfs pressure', () => {
  it('shows the totals in seconds', async () => {
    const { values } = await sampleOf(createPressureGroup({ root: SERVER }));
    assert.deepEqual(values[TIME], {
      'cpu some': 154.884513,
      'cpu full': 0,
      'memory some': 2.5,
      'memory full': 1.5,
      'io some': 6.340216,
      'io full': 5.072253,
    });
  });

  it('has no full stalls of the CPU where the kernel does not tell', async (test) => {
    const tree = createTree({ test, like: SERVER });
    tree.write('proc/pressure/cpu', 'some avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n');
    const { values, reports } = await sampleOf(createPressureGroup(tree));
    assert.equal(values[TIME]?.['cpu some'], 1);
    assert.ok(!('cpu full' in values[TIME]));
    assert.deepEqual(reports, []);
  });

  it('is unsupported by a kernel without it', async () => {
    await assert.rejects(sampleOf(createPressureGroup({ root: OLD_KERNEL })), {
      reason: 'unsupported',
      message: `the kernel has no pressure information: no ${OLD_KERNEL}/proc/pressure/cpu`,
    });
  });

  it('is missing, and not unsupported, where there is no /proc', async (test) => {
    const tree = createTree({ test });
    await assert.rejects(sampleOf(createPressureGroup(tree)), { reason: 'missing' });
  });

  it('shows the resources that can be read', async (test) => {
    const tree = createTree({ test, like: SERVER });
    tree.write('proc/pressure/cpu', 'some avg10=0.00 total=-1\n');
    tree.makeUnreadable('proc/pressure/memory');
    const { values, reports } = await sampleOf(createPressureGroup(tree));
    assert.deepEqual(values[TIME], { 'io some': 6.340216, 'io full': 5.072253 });
    assert.deepEqual(reports, [
      `malformed: ${tree.root}/proc/pressure/cpu has no total for "some"`,
      `unreadable: cannot read ${tree.root}/proc/pressure/memory: illegal operation on a directory (EISDIR)`,
    ]);
  });
});
