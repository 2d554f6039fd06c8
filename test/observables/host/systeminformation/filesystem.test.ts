import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFilesystemGroup } from '../../../../src/observables/host/systeminformation/filesystem.ts';
import type { FilesystemAnswer } from '../../../../src/observables/systeminformation/answers.ts';
import { sampleOf } from '../sample.ts';
import { answering } from './client.ts';

const disk = { fs: '/dev/sda1', type: 'ext4', mount: '/', size: 1000, used: 600, available: 300, rw: true };
const SOURCES = { types: ['ext4', 'apfs', 'ntfs', 'overlay', 'zfs'], excluded: ['/var/lib/docker/*'] };

const on = (platform: NodeJS.Platform, ...found: FilesystemAnswer[]) =>
  sampleOf(createFilesystemGroup(answering('filesystems', found), platform, SOURCES));

describe('systeminformation filesystems', () => {
  it('shows the space by state, what is reserved for root included', async () => {
    assert.deepEqual((await on('linux', disk)).values, {
      'system.filesystem.usage': {
        '/dev/sda1 / ext4 rw used': 600,
        '/dev/sda1 / ext4 rw free': 300,
        '/dev/sda1 / ext4 rw reserved': 100,
      },
      'system.filesystem.limit': { '/dev/sda1 / ext4 rw': 1000 },
      'system.filesystem.utilization': { '/dev/sda1 / ext4 rw': 600 / 900 },
    });
  });

  it('takes what the other volumes of a container have for used', async () => {
    const { values } = await on('darwin', { ...disk, fs: '/dev/disk3s1', type: 'APFS', rw: false });
    assert.deepEqual(values['system.filesystem.usage'], {
      '/dev/disk3s1 / apfs ro used': 700,
      '/dev/disk3s1 / apfs ro free': 300,
    });
    assert.deepEqual(values['system.filesystem.utilization'], { '/dev/disk3s1 / apfs ro': 0.7 });
  });

  const shown: Record<string, { platform: NodeJS.Platform; filesystem: Partial<FilesystemAnswer>; as: string[] }> = {
    'no mode of what is no device on Linux': {
      platform: 'linux',
      filesystem: { fs: 'overlay', type: 'overlay', rw: false },
      as: ['overlay / overlay'],
    },
    'no mode that is not known': { platform: 'linux', filesystem: { rw: null }, as: ['/dev/sda1 / ext4'] },
    'a drive of Windows': {
      platform: 'win32',
      filesystem: { fs: 'C:', mount: 'C:', type: 'NTFS' },
      as: ['C: C: ntfs rw'],
    },
    'no type that is not listed': { platform: 'linux', filesystem: { type: 'nfs4' }, as: [] },
    'no mount point that is excluded': { platform: 'linux', filesystem: { mount: '/var/lib/docker/overlay2' }, as: [] },
  };
  for (const [what, { platform, filesystem, as }] of Object.entries(shown)) {
    it(`shows ${what}`, async () => {
      const { values } = await on(platform, { ...disk, ...filesystem });
      assert.deepEqual(Object.keys(values['system.filesystem.limit'] ?? {}), as);
    });
  }

  it('fails when there is none at all', async () => {
    await assert.rejects(on('linux'), { reason: 'missing', message: 'systeminformation finds no filesystem' });
  });
});
