import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { describe, it } from 'node:test';
import { cases } from './architecture/cases.ts';
import { sizesOnlyFall } from './architecture/rules.ts';
import { parseSource, type Source } from './architecture/source.ts';

// The floors of docs/architecture.md and the habits that a compiler can check, on its own reading of the sources. A rule that
// cannot fail is no rule: each one is also shown small worlds that break it.

const repo = ['src', 'examples', 'bin'].flatMap(readFolder);

/** These may only fall. */
const SIZES = { longest: 200, over200: 0 };

for (const [name, { rule, broken, kept }] of Object.entries(cases)) {
  describe(name, () => {
    const applied = name === 'sizes only fall' ? sizesOnlyFall(SIZES) : rule;
    it('holds in src/, examples/ and bin/', () => assert.deepEqual(applied(repo), []));
    for (const [what, { files, says }] of Object.entries(broken)) {
      it(`is broken by: ${what}`, () => assert.deepEqual(rule(parse(files)), says));
    }
    it('is kept by what only looks like it', () => assert.deepEqual(rule(parse(kept)), []));
  });
}

it('the files of the repo are found', () => {
  const paths = repo.map(({ path }) => path);
  for (const path of ['bin/metergate.js', 'src/main.ts', 'examples/iris-server/server.ts'])
    assert.ok(paths.includes(path));
});

function parse(files: Readonly<Record<string, string>>): Source[] {
  return Object.entries(files).map(([path, text]) => parseSource(path, text));
}

function readFolder(folder: string): Source[] {
  const root = join(import.meta.dirname, '..');
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.[jt]s$/.test(file))
    .map((file) => join(folder, file).split(sep).join('/'))
    .map((path) => parseSource(path, readFileSync(join(root, path), 'utf8')));
}
