import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseConfig } from '../../src/config/index.ts';
import { outside } from './outside.ts';

const folder = new URL('../fixtures/config/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8');

for (const name of readdirSync(folder).filter((file) => file.endsWith('.yaml'))) {
  const result = parseConfig({ text: read(name), source: name, ...outside() });
  if (name.startsWith('good-')) {
    test(`${name} is accepted`, () => assert.deepEqual(result.ok || result.problems, true));
  } else {
    test(`${name} is refused with exactly the messages beside it`, () => {
      const wanted = read(name.replace('.yaml', '.txt')).trimEnd().split('\n');
      assert.deepEqual(result.ok || result.problems, wanted);
    });
    test(`${name} is refused without a word of its secrets`, () =>
      assert.doesNotMatch(JSON.stringify(result), /hidden|secret-|sec\/ret|:secret|=secret/));
  }
}
