import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/library.md'), 'utf8');
const blocks = [...page.matchAll(/```ts\n([^]*?)```/g)].map(([, block = '']) => block);
/** What each prints, in their order. */
const outputs = ['', 'true\n[ 1 ]\n', 'collected\n', 'true\n', 'true 0\n', 'jobs\n'];

test('docs/library.md has as many examples as are run here', () => {
  assert.equal(blocks.length, outputs.length);
});

// Within the repo, so that packages are found; `metergate` is the package itself, which is not built here.
const folder = mkdtempSync(join(root, 'test/docs/example-'));
after(() => rmSync(folder, { recursive: true }));
const files = blocks.map((block, i) => {
  const file = join(folder, `example-${i + 1}.ts`);
  writeFileSync(file, block.replace(`'metergate'`, `'../../../src/index.ts'`));
  return file;
});

for (const [i, file] of files.entries()) {
  test(`example ${i + 1} of docs/library.md runs`, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
    assert.deepEqual([status, stdout], [0, outputs[i]], stderr);
  });
}

test('the examples of docs/library.md are well typed', () => {
  const options = { extends: '../../../tsconfig.json', include: ['.'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(options));
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder],
    {
      encoding: 'utf8',
    },
  );
  assert.equal(status, 0, stdout);
});
