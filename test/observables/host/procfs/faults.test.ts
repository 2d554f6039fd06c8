import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createProcfsGroups } from '../../../../src/observables/host/procfs/index.ts';
import type { ObservableGroup, SampleReason } from '../../../../src/observables/observable.ts';
import { sampleOf, type Sampled } from '../sample.ts';
import { createTree, deviceOf, mountLine, OLD_KERNEL, SERVER, sourcesOf, type Tree } from './tree.ts';

/** Who reads what. */
const FILES: Record<string, string> = {
  'proc/stat': 'host.cpu',
  'proc/loadavg': 'host.load',
  'proc/uptime': 'host.load',
  'proc/meminfo': 'host.memory',
  'proc/vmstat': 'host.paging',
  'proc/diskstats': 'host.disk',
  'proc/1/mountinfo': 'host.filesystem',
  'proc/1/net/dev': 'host.network',
  'proc/pressure/cpu': 'host.pressure',
  'proc/pressure/memory': 'host.pressure',
  'proc/pressure/io': 'host.pressure',
};

/** All readings by group; of one that failed, the reason. */
async function readAll(groups: readonly ObservableGroup[]): Promise<Record<string, Sampled | SampleReason>> {
  const read = async (group: ObservableGroup) => {
    const sampled = await sampleOf(group).catch((error: unknown) => (error as { reason: SampleReason }).reason);
    return [group.name, sampled] as const;
  };
  return Object.fromEntries(await Promise.all(groups.map(read)));
}

/** Shares are of what grew since the sample before, and there is none; the filesystem under a test is in use. */
function steady(all: Record<string, Sampled | SampleReason>): Record<string, unknown> {
  const { 'host.filesystem': filesystem, ...others } = all;
  return { ...others, filesystem: typeof filesystem === 'object' ? Object.keys(filesystem.values) : filesystem };
}

/** Its only filesystem is the one that the tree is on. */
function createServer(test: TestContext): Tree {
  const tree = createTree({ test, like: SERVER });
  tree.write('proc/1/mountinfo', mountLine({ at: '/' }));
  return tree;
}

const faults: Record<string, { make: (tree: Tree, path: string) => void; reason: SampleReason }> = {
  'is missing': { make: (tree, path) => tree.remove(path), reason: 'missing' },
  'cannot be read': { make: (tree, path) => tree.makeUnreadable(path), reason: 'unreadable' },
  'is cut off': {
    make: (tree, path) => tree.write(path, readFileSync(join(tree.root, path), 'utf8').slice(0, -1)),
    reason: 'malformed',
  },
  'is garbage': { make: (tree, path) => tree.write(path, '\u0000\ufffd : -1 NaN\n\n'), reason: 'malformed' },
};

describe('procfs', () => {
  for (const [fault, { make, reason }] of Object.entries(faults)) {
    for (const [path, owner] of Object.entries(FILES)) {
      it(`loses what is in ${path} and nothing else when it ${fault}, and has it again when it is back`, async (test) => {
        const tree = createServer(test);
        const groups = createProcfsGroups(sourcesOf(tree.root));
        const before = await readAll(groups);
        const text = readFileSync(join(tree.root, path), 'utf8');
        make(tree, path);

        const { [owner]: hit, ...others } = await readAll(groups);
        const { [owner]: whole, ...expected } = before;
        assert.deepEqual(steady(others), steady(expected));
        assert.notDeepEqual(hit, whole);
        const said = typeof hit === 'object' ? hit.reports.map((report) => report.split(':')[0]) : [hit];
        assert.deepEqual(said, [owner === 'host.pressure' && reason === 'missing' ? 'unsupported' : reason]);

        tree.write(path, text);
        assert.deepEqual(steady(await readAll(groups)), steady(before));
      });
    }
  }

  it('says of every group that nothing is there when the root is not', async () => {
    const groups = createProcfsGroups(sourcesOf('/nonexistent/host'));
    for (const group of groups) await assert.rejects(sampleOf(group), { reason: 'missing' }, group.name);
    assert.equal(groups.length, 8);
  });

  it('says so, too, when a folder on the way is a file', async (test) => {
    const tree = createTree({ test });
    tree.write('proc', '');
    const groups = createProcfsGroups(sourcesOf(tree.root));
    for (const group of groups) await assert.rejects(sampleOf(group), { reason: 'missing' }, group.name);
  });

  it('reads an old kernel without a fault, but for the pressure that it does not have', async (test) => {
    const tree = createTree({ test, like: OLD_KERNEL });
    const mounts = readFileSync(join(OLD_KERNEL, 'proc/1/mountinfo'), 'utf8');
    tree.write('proc/1/mountinfo', mounts.replace('8:1', deviceOf(tree.root)));
    const all = await readAll(createProcfsGroups(sourcesOf(tree.root)));
    for (const [name, sampled] of Object.entries(all)) {
      if (name === 'host.pressure') assert.equal(sampled, 'unsupported');
      else assert.deepEqual((sampled as Sampled).reports, [], name);
    }
  });
});
