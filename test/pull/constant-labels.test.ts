import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createConstantLabels, type ConstantLabels } from '../../src/pull/constant-labels.ts';

const KEYS = ['service.name', 'service.version', 'serviceXname', 'a', 'ab', 'a*b', 'a.b', 'A', '', 'x\ny', '😀'];

const cases: Record<string, { labels: ConstantLabels | undefined; chosen: readonly string[] }> = {
  'none where there are no patterns at all': { labels: undefined, chosen: [] },
  'all where nothing is said': { labels: { excluded: [] }, chosen: KEYS },
  'none of an empty list': { labels: { included: [], excluded: [] }, chosen: [] },
  'one by its whole key, in its spelling': { labels: { included: ['a'], excluded: [] }, chosen: ['a'] },
  'those that begin so': {
    labels: { included: ['service.*'], excluded: [] },
    chosen: ['service.name', 'service.version'],
  },
  'those with something in the middle, or nothing': {
    labels: { included: ['a*b'], excluded: [] },
    chosen: ['ab', 'a*b', 'a.b'],
  },
  'those of one character, whatever it is': { labels: { included: ['?'], excluded: [] }, chosen: ['a', 'A', '😀'] },
  'those of so many characters, a line feed being one': {
    labels: { included: ['???'], excluded: [] },
    chosen: ['a*b', 'a.b', 'x\ny'],
  },
  'a dot, a plus, brackets and the like for what they are': {
    labels: { included: ['service.name', 'a+', '[a]', '(a)', 'a|b', '^a$', 'a{1}', 'a\\'], excluded: [] },
    chosen: ['service.name'],
  },
  'the empty key by a star only': { labels: { included: [''], excluded: ['*'] }, chosen: [] },
  'what is included but not excluded': {
    labels: { included: ['a*', 'service.*'], excluded: ['a?b', '*.version'] },
    chosen: ['service.name', 'a', 'ab'],
  },
  'what is not excluded': {
    labels: { excluded: ['*.*', '?'] },
    chosen: ['serviceXname', 'ab', 'a*b', '', 'x\ny'],
  },
};

describe('constant labels are', () => {
  for (const [what, { labels, chosen }] of Object.entries(cases)) {
    it(what, () => assert.deepEqual(KEYS.filter(createConstantLabels(labels)), chosen));
  }
});
