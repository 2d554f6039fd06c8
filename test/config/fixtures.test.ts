import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseConfig } from '../../src/config/index.ts';
import { outside } from './outside.ts';

const folder = new URL('../fixtures/config/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8');

for (const name of readdirSync(folder).filter((file) => file.endsWith('.yaml'))) {
  const result = parseConfig({ text: read(name), source: name, ...outside() });
  const messages = name.replace('.yaml', '.txt');
  const wanted = existsSync(new URL(messages, folder)) ? read(messages).trimEnd().split('\n') : [];
  if (name.startsWith('good-')) {
    test(`${name} is accepted, with exactly the warnings beside it`, () =>
      assert.deepEqual(result.ok ? result.warnings : result.problems, wanted));
  } else {
    test(`${name} is refused with exactly the messages beside it`, () =>
      assert.deepEqual(result.ok || result.problems, wanted));
    test(`${name} is refused without a word of its secrets`, () =>
      assert.doesNotMatch(JSON.stringify(result), /hidden|secret-|sec\/ret|:secret|=secret/));
  }
}
