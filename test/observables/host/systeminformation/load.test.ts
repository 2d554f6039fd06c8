import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLoadGroup } from '../../../../src/observables/host/systeminformation/load.ts';
import { sampleOf } from '../sample.ts';

describe('systeminformation load', () => {
  it('shows three periods and the uptime', async () => {
    const { values } = await sampleOf(createLoadGroup('linux'));
    assert.deepEqual(Object.keys(values['metergate.host.load_average'] ?? {}), ['1m', '5m', '15m']);
    assert.ok((values['system.uptime']?.[''] ?? 0) > 0);
  });

  it('shows no load on Windows, which has none', async () => {
    const { values } = await sampleOf(createLoadGroup('win32'));
    assert.deepEqual(Object.keys(values), ['system.uptime']);
  });
});
