import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLoadGroup } from '../../../../src/observables/host/procfs/load.ts';
import { sampleOf } from '../sample.ts';
import { createTree, SERVER } from './tree.ts';

describe('procfs load', () => {
  it('shows the averages and the uptime', async () => {
    const { values } = await sampleOf(createLoadGroup({ root: SERVER }));
    assert.deepEqual(values, {
      'metergate.host.load_average': { '1m': 1.4, '5m': 0.75, '15m': 0.57 },
      'system.uptime': { '': 1460.22 },
    });
  });

  const halves: Record<string, [path: string, text: string, left: string, report: string]> = {
    'the uptime when the averages are cut off': [
      'proc/loadavg',
      '0.00 0.01\n',
      'system.uptime',
      'does not begin with three numbers',
    ],
    'the averages when the uptime is no number': [
      'proc/uptime',
      'long\n',
      'metergate.host.load_average',
      'does not begin with a number',
    ],
  };
  for (const [behaviour, [path, text, left, report]] of Object.entries(halves)) {
    it(`shows ${behaviour}, and says so`, async (test) => {
      const tree = createTree({ test, like: SERVER });
      tree.write(path, text);
      const { values, reports } = await sampleOf(createLoadGroup(tree));
      assert.deepEqual(Object.keys(values), [left]);
      assert.deepEqual(reports, [`malformed: ${tree.root}/${path} ${report}`]);
    });
  }
});
