import assert from 'node:assert/strict';
import { platform } from 'node:os';
import { describe, it } from 'node:test';
import { createHostGroups, type HostOptions } from '../../../src/observables/host/index.ts';
import { createRecordingLogger } from '../../support/telemetry.ts';

const options: HostOptions = {
  backend: 'auto',
  root: '/',
  intervalMs: 5_000,
  disks: { excluded: [] },
  filesystems: { intervalMs: 30_000, types: ['ext4'], excluded: [] },
  networkInterfaces: { excluded: [] },
};

const cases: Record<string, { options: Partial<HostOptions>; backend: string; why: RegExp; skip?: string | false }> = {
  'takes procfs where there is one': {
    options: {},
    backend: 'procfs',
    why: /^there is \/proc\/stat$/,
    skip: platform() === 'linux' ? false : 'needs /proc/stat',
  },
  'never shows the container as the host, though nothing is mounted where its root should be': {
    options: { root: '/nowhere' },
    backend: 'procfs',
    why: /^only it reads below \/nowhere, though there is no \/nowhere\/proc\/stat$/,
  },
  'takes what is configured': {
    options: { backend: 'systeminformation' },
    backend: 'systeminformation',
    why: /^configured$/,
  },
};

describe('the backend of the host', () => {
  for (const [name, { options: some, backend, why, skip = false }] of Object.entries(cases)) {
    it(name, { skip }, () => {
      const { logger, lines } = createRecordingLogger();
      createHostGroups({ ...options, ...some, logger });
      assert.deepEqual(
        lines.map(({ level, message, fields }) => [level, message, fields.backend]),
        [['info', 'host backend', backend]],
      );
      assert.match(String(lines[0]?.fields.why), why);
    });
  }

  it('has an interval of its own for filesystems', () => {
    const { logger } = createRecordingLogger();
    const groups = createHostGroups({ ...options, backend: 'procfs', logger });
    const intervals = Object.fromEntries(groups.map(({ group, intervalMs }) => [group.name, intervalMs]));
    assert.equal(intervals['host.filesystem'], 30_000);
    assert.equal(intervals['host.cpu'], 5_000);
  });
});
