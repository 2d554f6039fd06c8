import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Environment } from '../../src/cli/environment.ts';
import { createProgram } from '../../src/cli/index.ts';
import { parseConfig } from '../../src/config/index.ts';

const root = join(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

test('the README has at most 200 lines', () => {
  assert.ok(readme.split('\n').length <= 200);
});

test('the README lists the commands as --help does', () => {
  const environment: Environment = {
    version: '',
    env: {},
    stdout: () => {},
    stderr: () => {},
    interrupted: async () => {},
  };
  const commands = createProgram(environment, () => {}).commands.map((each) => [each.name(), each.description()]);
  const rows = [...readme.matchAll(/^\| `([a-z-]+)` +\| (.+?) +\|$/gm)].map(([, name, description]) => [
    name,
    description,
  ]);
  for (const command of commands) {
    assert.ok(
      rows.some((row) => row[0] === command[0] && row[1] === command[1]),
      command.join(': '),
    );
  }
});

test("the README's configuration is valid", () => {
  const [, text = ''] = /```yaml\n([^]*?)```/.exec(readme) ?? [];
  assert.deepEqual(parseConfig({ text, source: 'README.md', env: {}, readFile: () => '' }).ok, true);
});

for (const page of [
  'README.md',
  'docs/architecture.md',
  'docs/configuration.md',
  'docs/metrics.md',
  'docs/observables.md',
  'docs/push.md',
  'docs/serving.md',
  'docs/scraping.md',
  'docs/library.md',
  'CHANGELOG.md',
]) {
  test(`every relative link of ${page} leads somewhere`, () => {
    const links = [...readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)];
    for (const [, link = ''] of links) assert.ok(existsSync(join(root, page, '..', link)), link);
  });
}
