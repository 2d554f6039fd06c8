import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

// Young objects have 1 MiB: a tenth of a byte per recording would already have it collected. Code is optimised when it is due, not when a
// thread of its own comes to it, and nothing that was there before is collected meanwhile.
const FLAGS = [
  ...['--expose-gc', '--trace-gc', '--max-semi-space-size=1'],
  ...['--no-concurrent-recompilation', '--no-incremental-marking'],
];
const RECORDING = fileURLToPath(new URL('recording.ts', import.meta.url));
const COLLECTION = /: (Scavenge|Mark-Compact|Minor Mark-Sweep)/;
/** What V8 gives as the reason of a collection that `gc()` has asked for. */
const ASKED_FOR = ' testing;';

describe('10,000,000 recordings, after warm-up', () => {
  for (const way of ['bound counter', 'bound histogram']) {
    it(`allocate nothing: ${way}`, async () => assert.deepEqual(await collectionsDuring(way), []));
  }

  it('would be seen to allocate, if they did: unbound counter with a new attributes object each time', async () => {
    const collections = await collectionsDuring('unbound counter');
    assert.ok(collections.length > 100, `${collections.length} collections`);
  });
});

/** @returns the lines of the collections between the two that are asked for. */
async function collectionsDuring(way: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, RECORDING, way]);
  const lines = stdout.split('\n').filter((line) => COLLECTION.test(line));
  const [first = NaN, last = NaN, ...more] = lines.flatMap((line, i) => (line.includes(ASKED_FOR) ? [i] : []));
  assert.ok(first < last && more.length === 0, `two collections are asked for:\n${stdout}`);
  return lines.slice(first + 1, last);
}
