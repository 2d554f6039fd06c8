import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseTarget, type Target } from '../../../src/serving/proxy/target.ts';

const cases: Record<string, { in: string; out: Target | undefined }> = {
  'the root': { in: '/', out: { path: '/', query: '', segments: [''] } },
  'a path': { in: '/v2/models', out: { path: '/v2/models', query: '', segments: ['v2', 'models'] } },
  'a query is kept as it came': { in: '/a?b=%zz&c=/..', out: { path: '/a', query: '?b=%zz&c=/..', segments: ['a'] } },
  'an empty query keeps its mark': { in: '/a?', out: { path: '/a', query: '?', segments: ['a'] } },
  'a second question mark is of the query': { in: '/a?b?c', out: { path: '/a', query: '?b?c', segments: ['a'] } },
  'empty segments stay': { in: '//a//', out: { path: '//a//', query: '', segments: ['', 'a', '', ''] } },
  'an absolute URL loses its origin, whose authority is in place of the host': {
    in: 'http://h:1/a?b',
    out: { authority: 'h:1', path: '/a', query: '?b', segments: ['a'] },
  },
  'its scheme may be in capitals': {
    in: 'HTTPS://h/a',
    out: { authority: 'h', path: '/a', query: '', segments: ['a'] },
  },
  'an absolute URL without a path is the root': {
    in: 'http://h',
    out: { authority: 'h', path: '/', query: '', segments: [''] },
  },
  'also with a query': { in: 'http://h?a', out: { authority: 'h', path: '/', query: '?a', segments: [''] } },
  'a second URL in it is a path': {
    in: 'http://h/http://i/a',
    out: { authority: 'h', path: '/http://i/a', query: '', segments: ['http:', '', 'i', 'a'] },
  },
  'an encoded slash is no separator': { in: '/a%2Fb/c', out: { path: '/a%2Fb/c', query: '', segments: ['a/b', 'c'] } },
  'UTF-8 is decoded': { in: '/%C3%A9', out: { path: '/%C3%A9', query: '', segments: ['é'] } },
  'a name that starts with dots': {
    in: '/..a/.b/...',
    out: { path: '/..a/.b/...', query: '', segments: ['..a', '.b', '...'] },
  },
  'dots within a name': { in: '/v1.2/a..b', out: { path: '/v1.2/a..b', query: '', segments: ['v1.2', 'a..b'] } },

  'the asterisk': { in: '*', out: undefined },
  nothing: { in: '', out: undefined },
  'a path without its slash': { in: 'a/b', out: undefined },
  'an authority': { in: 'h:443', out: undefined },
  'another scheme': { in: 'ftp://h/a', out: undefined },
  'a fragment': { in: '/a#b', out: undefined },
  'a fragment behind a query': { in: '/a?b#c', out: undefined },
  'a fragment behind an origin': { in: 'http://h#c', out: undefined },
  'a dot segment': { in: '/a/./b', out: undefined },
  'a double dot segment': { in: '/a/../b', out: undefined },
  'a double dot at the end': { in: '/a/..', out: undefined },
  'an encoded dot segment': { in: '/a/%2e%2E/b', out: undefined },
  'a half encoded dot segment': { in: '/a/.%2e/b', out: undefined },
  'a dot segment between encoded slashes': { in: '/a%2F..%2Fb', out: undefined },
  'a dot segment behind an encoded slash': { in: '/a%2f..', out: undefined },
  'a dot segment between backslashes': { in: '/a\\..\\b', out: undefined },
  'a dot segment between encoded backslashes': { in: '/a%5C..%5Cb', out: undefined },
  'a dot segment in an absolute URL': { in: 'http://h/../a', out: undefined },
  'a percent sign alone': { in: '/a%', out: undefined },
  'a percent sign before no number': { in: '/a%zz', out: undefined },
  'an overlong encoding': { in: '/%C0%AE%C0%AE/a', out: undefined },
  'a cut off character': { in: '/%E2%82', out: undefined },
};
for (const [name, { in: target, out }] of Object.entries(cases)) {
  test(`${name}: ${target} ${out ? 'is routed' : 'is refused'}`, () => assert.deepEqual(parseTarget(target), out));
}

test('whatever comes, it never throws, and what is routed is what came', () => {
  const part = fc.oneof(fc.constantFrom('/', '%', '..', '%2e', '%2F', '?', '#', '\\', 'http://', 'é'), fc.string());
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const target = parts.join('');
      const parsed = parseTarget(target);
      if (parsed === undefined) return;
      assert.ok(parsed.path.startsWith('/'));
      assert.ok(target.endsWith(parsed.path === '/' ? parsed.query : parsed.path + parsed.query));
      assert.equal(parsed.segments.length, parsed.path.split('/').length - 1);
    }),
    { numRuns: 2_000 },
  );
});

test('no upstream that resolves dots as URLs do comes to another path', () => {
  const part = fc.constantFrom('a', '/', '.', '..', '%2e', '%2E', '\\');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 10 }), (parts) => {
      const parsed = parseTarget(`/x/${parts.join('')}`);
      if (parsed === undefined) return;
      const resolved = new URL(`http://h${parsed.path}`).pathname;
      assert.equal(resolved.split('/').length, parsed.path.replaceAll('\\', '/').split('/').length);
    }),
    { numRuns: 2_000 },
  );
});
