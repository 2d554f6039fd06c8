import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { feedsOf } from '../../src/push/feeds.ts';
import { toDestination, type TestDestination } from './pushing.ts';

const ENDPOINT = 'http://127.0.0.1:4317';

function namesOf(engine: 'native' | 'sdk', ...given: readonly Omit<TestDestination, 'endpoint'>[]): string[] {
  const destinations = given.map((each, i) => toDestination({ endpoint: ENDPOINT, ...each }, i));
  return feedsOf(destinations, engine).map(({ name }) => name);
}

describe('destinations share a collection', () => {
  it('when they are sent the same, at the same times', () => {
    const same = { protocol: 'http/protobuf', compression: 'gzip', queue: { order: 'newest_first' } } as const;
    assert.deepEqual(namesOf('native', {}, same, {}), ['a+b+c']);
  });

  const others: Record<string, Omit<TestDestination, 'endpoint'>> = {
    'another temporality': { temporality: 'delta' },
    'another interval': { intervalMs: 1_000 },
    'another batch size': { batchBytesMax: 1_000_000 },
    'other metrics': { metrics: { included: ['a.*'], excluded: [] } },
    'metrics left out': { metrics: { excluded: ['a.*'] } },
  };
  for (const [what, other] of Object.entries(others)) {
    it(`but not with ${what}`, () => {
      assert.deepEqual(namesOf('native', {}, other, {}), ['a+c', 'b']);
    });
  }

  it('but not with the engine sdk', () => {
    assert.deepEqual(namesOf('sdk', {}, {}), ['a', 'b']);
  });
});
