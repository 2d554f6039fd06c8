import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matcher } from '../../src/std/wildcards.ts';

const cases: Record<string, { patterns: string[]; has: string[]; hasNot: string[] }> = {
  'no pattern has anything': { patterns: [], has: [], hasNot: ['', 'sda'] },
  'a pattern without wildcards is the whole text': {
    patterns: ['sda'],
    has: ['sda'],
    hasNot: ['', 'sd', 'sda1', 'xsda', 'SDA', 'sda\n'],
  },
  'a star stands for any characters, also for none and for slashes and lines': {
    patterns: ['/run/*'],
    has: ['/run/', '/run/a', '/run/a/b', '/run/a\nb'],
    hasNot: ['/run', '/var/run/a'],
  },
  'stars stand anywhere': { patterns: ['*a*b*'], has: ['ab', 'xaybz', 'aab'], hasNot: ['ba', 'a', ''] },
  'a lonely star has everything': { patterns: ['*'], has: ['', 'a', '\n'], hasNot: [] },
  'a question mark stands for one character': {
    patterns: ['sr?'],
    has: ['sr0', 'sr\n', 'sr💾'],
    hasNot: ['sr', 'sr10'],
  },
  'one of several is enough': { patterns: ['loop*', 'ram*'], has: ['loop0', 'ram1'], hasNot: ['sda', 'xloop0'] },
  'what regular expressions know is plain text': {
    patterns: ['a.b', 'c+', '[d]', '(e|f)', '^g$', '\\h', '{i}', 'j|k'],
    has: ['a.b', 'c+', '[d]', '(e|f)', '^g$', '\\h', '{i}', 'j|k'],
    hasNot: ['axb', 'cc', 'd', 'e', 'g', 'h', 'i', 'j', 'k'],
  },
  'the empty pattern has only the empty text': { patterns: [''], has: [''], hasNot: ['a'] },
};

for (const [name, { patterns, has, hasNot }] of Object.entries(cases)) {
  test(name, () => {
    const isMatch = matcher(patterns);
    assert.deepEqual(
      [...has, ...hasNot].filter((text) => isMatch(text)),
      has,
    );
  });
}
