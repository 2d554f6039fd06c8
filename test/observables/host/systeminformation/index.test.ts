import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSysteminformationGroups } from '../../../../src/observables/host/systeminformation/index.ts';
import { deadlineIn } from '../../../../src/std/deadline.ts';
import { answering } from './client.ts';

const SOURCES = {
  root: '/',
  disks: { excluded: [] },
  filesystems: { types: [], excluded: [] },
  networkInterfaces: { excluded: [] },
};

function create(platform: NodeJS.Platform) {
  const closed: number[] = [];
  let opened = 0;
  const groups = createSysteminformationGroups(SOURCES, {
    platform,
    open: () => {
      const nth = opened++;
      return { ...answering('memory'), close: () => Promise.resolve(void closed.push(nth)) };
    },
  });
  return {
    groups,
    closed,
    close: async (name: string) => groups.find((group) => group.name === name)?.close?.(deadlineIn(0)),
  };
}

describe('systeminformation host groups', () => {
  const COMMON = ['host.load', 'host.cpu', 'host.memory'];
  const cases: Partial<Record<NodeJS.Platform, string[]>> = {
    linux: [...COMMON, 'host.network', 'host.filesystem'],
    darwin: [...COMMON, 'host.network', 'host.filesystem'],
    win32: [...COMMON, 'host.network', 'host.filesystem'],
    freebsd: [...COMMON, 'host.filesystem'],
  };
  for (const [platform, names] of Object.entries(cases)) {
    it(`are those that it reads rightly on ${platform}`, () => {
      const { groups } = create(platform as NodeJS.Platform);
      assert.deepEqual(
        groups.map(({ name }) => name),
        names,
      );
    });
  }

  it('close a process when the last of those that share it is closed, and not before', async () => {
    const { closed, close } = create('linux');
    await close('host.cpu');
    await close('host.cpu');
    await close('host.network');
    assert.deepEqual(closed, []);
    await close('host.filesystem');
    assert.deepEqual(closed, [1]);
    await close('host.memory');
    assert.deepEqual(closed, [1, 0]);
  });
});
