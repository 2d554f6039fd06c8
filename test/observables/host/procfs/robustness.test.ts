import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createFilesystemGroup } from '../../../../src/observables/host/procfs/filesystem.ts';
import { createProcfsGroups } from '../../../../src/observables/host/procfs/index.ts';
import { SampleError, type ObservableGroup } from '../../../../src/observables/observable.ts';
import { sampleOf } from '../sample.ts';
import { statfsOf } from './statfs.ts';
import { createTree, SERVER, sourcesOf } from './tree.ts';

const FILES = {
  'host.cpu': ['proc/stat'],
  'host.load': ['proc/loadavg', 'proc/uptime'],
  'host.memory': ['proc/meminfo'],
  'host.paging': ['proc/vmstat'],
  'host.disk': ['proc/diskstats'],
  'host.filesystem': ['proc/1/mountinfo'],
  'host.network': ['proc/1/net/dev'],
  'host.pressure': ['proc/pressure/cpu'],
};

const token = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\n',
    '\t',
    ':',
    '-1',
    'NaN',
    'Infinity',
    '1e400',
    '0x10',
    '9'.repeat(400),
    '\\040',
    '\\777',
  ),
  fc.constantFrom(
    'cpu ',
    'cpu9 ',
    'MemTotal: ',
    'total=',
    'sda ',
    'eth0:',
    '18446744073709551616',
    '__proto__',
    '../..',
  ),
  fc.bigInt({ min: 0n, max: 2n ** 70n }).map(String),
  fc.string({ unit: 'binary' }),
);

/** The real text with some places of it written over, or anything at all. */
const damaged = (text: string) =>
  fc.oneof(
    fc
      .array(fc.record({ at: fc.nat(text.length), cut: fc.nat(30), token }), { minLength: 1, maxLength: 8 })
      .map((damages) =>
        damages.reduce((whole, { at, cut, token }) => whole.slice(0, at) + token + whole.slice(at + cut), text),
      ),
    fc.array(token).map((tokens) => `${tokens.join('')}\n`),
  );

/** @returns what is wrong with a sample. */
async function complaints(group: ObservableGroup): Promise<string[]> {
  try {
    const { values } = await sampleOf(group);
    const wrong = (name: string, value: number) =>
      !Number.isFinite(value) || value < 0 || (name.endsWith('cpu.utilization') && value > 1);
    return Object.entries(values).flatMap(([name, series]) =>
      Object.entries(series).flatMap(([key, value]) => (wrong(name, value) ? [`${name} ${key} ${value}`] : [])),
    );
  } catch (error) {
    return error instanceof SampleError ? [] : [String(error)];
  }
}

describe('procfs', () => {
  for (const [name, paths] of Object.entries(FILES)) {
    for (const path of paths) {
      it(`never shows a value that cannot be, nor one twice, nor throws an unknown error, whatever is in ${path}`, async (test) => {
        const tree = createTree({ test, like: SERVER });
        const sources = sourcesOf(tree.root);
        const create = () =>
          name === 'host.filesystem'
            ? createFilesystemGroup({ ...sources, statfs: statfsOf(tree.root) })
            : createProcfsGroups(sources).find((group) => group.name === name);
        const text = readFileSync(join(SERVER, path), 'utf8');
        await fc.assert(
          fc.asyncProperty(damaged(text), damaged(text), async (...texts) => {
            const group = create();
            assert.ok(group);
            for (const each of texts) {
              tree.write(path, each);
              assert.deepEqual(await complaints(group), []);
            }
          }),
          { numRuns: 100 },
        );
      });
    }
  }
});
