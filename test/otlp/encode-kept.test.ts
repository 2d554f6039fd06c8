import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Attributes, HistogramPoints, Metric, NumberPoints, Snapshot } from '../../src/metric/model.ts';
import { createEncoder } from '../../src/otlp/encode.ts';
import { runs } from '../exposition/runs.ts';
import { encoded } from './encoded.ts';

// The bytes of attribute sets are kept from call to call. It must never show: what an encoder gives is byte for byte what a new one would.

const BLOCKS = 4;

type Blocks = readonly (readonly Attributes[])[];

type Step =
  | { readonly do: 'add'; readonly block: number; readonly at: number; readonly sets: readonly Attributes[] }
  | { readonly do: 'remove'; readonly block: number; readonly at: number; readonly count: number }
  | { readonly do: 'move'; readonly block: number; readonly from: number; readonly to: number }
  | { readonly do: 'reverse' | 'copy'; readonly block: number }
  | { readonly do: 'swap'; readonly block: number; readonly with: number }
  | { readonly do: 'encode' | 'abandon' };

const newSet = fc.oneof(
  { weight: 8, arbitrary: fc.nat(12).map((n): Attributes => ({ 'a.b': `value ${n}` })) },
  { weight: 1, arbitrary: fc.constant(0).map((): Attributes => ({})) },
  { weight: 1, arbitrary: fc.constant(0).map(() => null as unknown as Attributes) },
);
const manySets = fc
  .tuple(fc.nat(1_200), fc.nat(99))
  .map(([count, first]) => Array.from({ length: count }, (_, i): Attributes => ({ 'a.b': `value ${first + i}` })));
const place = fc.nat(40);
const block = fc.nat(BLOCKS - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('add'), block, at: place, sets: fc.array(newSet, { minLength: 1, maxLength: 5 }) }),
  fc.record({ do: fc.constant('add'), block, at: place, sets: manySets }),
  fc.record({ do: fc.constant('remove'), block, at: place, count: fc.constantFrom(1, 1, 2, 70, 2_000) }),
  fc.record({ do: fc.constant('move'), block, from: place, to: place }),
  fc.record({ do: fc.constantFrom('reverse', 'copy'), block }),
  fc.record({ do: fc.constant('swap'), block, with: block }),
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('encode', 'encode', 'encode', 'abandon') }) },
);

function change(blocks: Blocks, own: Step): Blocks {
  const edit = (index: number, edited: (sets: Attributes[]) => Attributes[]): Blocks =>
    blocks.map((sets, i) => (i === index ? edited([...sets]) : sets));
  switch (own.do) {
    case 'add':
      return edit(own.block, (sets) => sets.toSpliced(own.at, 0, ...own.sets));
    case 'remove':
      return edit(own.block, (sets) => sets.toSpliced(own.at, own.count));
    case 'move':
      return edit(own.block, (sets) => {
        const moved = sets.splice(own.from, 1);
        return sets.toSpliced(own.to, 0, ...moved);
      });
    case 'reverse':
      return edit(own.block, (sets) => sets.reverse());
    case 'copy':
      return edit(own.block, (sets) => sets);
    case 'swap':
      return blocks.map((sets, i) => {
        if (i === own.block) return blocks[own.with] ?? sets;
        return i === own.with ? (blocks[own.block] ?? sets) : sets;
      });
    default:
      return blocks;
  }
}

const described = { description: '', unit: '' };

function pointsOf(attributes: readonly Attributes[]): NumberPoints {
  const column = Float64Array.from(attributes, (_, i) => i);
  return { attributes, startTimesMs: column, timesMs: column, values: column };
}

/** A gauge, one of the same name that may have a shorter column, and a histogram, whose points have another field for attributes. */
function snapshotOf([a = [], b = [], c = [], d = []]: Blocks): Snapshot {
  const gauge = (attributes: readonly Attributes[]): Metric => ({
    ...described,
    kind: 'gauge',
    name: 'm',
    points: pointsOf(attributes),
  });
  const histogram = ({ attributes, startTimesMs, timesMs, values }: NumberPoints): HistogramPoints => ({
    ...{ attributes, startTimesMs, timesMs, bounds: [] },
    ...{ bucketCounts: values, counts: values, sums: values },
  });
  // Too short at one time, and not at another.
  const rows = b.length % 2 === 0 ? b.length : Math.floor(b.length * 0.3);
  const short = { ...pointsOf(b), values: new Float64Array(rows) };
  const blocks = [histogram(pointsOf(c)), histogram(pointsOf(d))];
  const scope = { version: '', schemaUrl: '' };
  return {
    resource: {},
    scopes: [
      {
        scope: { ...scope, name: 'one' },
        metrics: [gauge(a), { ...described, kind: 'histogram', name: 'm', temporality: 'delta', points: blocks }],
      },
      { scope: { ...scope, name: 'two' }, metrics: [{ ...described, kind: 'gauge', name: 'm', points: short }] },
    ],
  };
}

function run(steps: readonly Step[]): void {
  const encoder = createEncoder();
  let blocks: Blocks = Array.from({ length: BLOCKS }, () => []);
  for (const own of steps) {
    blocks = change(blocks, own);
    const snapshots = [snapshotOf(blocks)];
    if (own.do === 'encode') assert.deepEqual(encoded(snapshots, { encoder }), encoded(snapshots));
    if (own.do === 'abandon') encoder.encode(snapshots, { batchBytesMax: 1_000, drop: () => {} }).next();
  }
}

describe('bytes of attributes that are kept', () => {
  it('never show, whatever becomes of the series', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 30 }), run), runs({ short: 150, long: 20_000 }));
  });

  it('are made once for each series, for as long as it is there', () => {
    const encoder = createEncoder();
    let reads = 0;
    const sets = Array.from({ length: 2_000 }, (_, i) =>
      Object.defineProperty({}, 'a', { enumerable: true, get: () => (reads++, i) }),
    );
    const readsOf = (some: readonly Attributes[]): number => {
      reads = 0;
      encoded([snapshotOf([some, [], [], []])], { encoder });
      return reads;
    };
    const older = sets.slice(0, 1_000);
    assert.equal(readsOf(older), 1_000);
    assert.equal(readsOf(older), 0);
    assert.equal(readsOf([...older]), 0);
    assert.equal(readsOf(older.toSpliced(500, 1)), 0);
    assert.equal(readsOf(sets), 1_000 + 1);
    assert.equal(readsOf([]), 0);
    assert.equal(readsOf(older), 1_000);
  });

  it('are made later for rows that had no values before', () => {
    const encoder = createEncoder();
    const sets = Array.from({ length: 2_001 }, (_, i): Attributes => ({ i }));
    for (const some of [sets, sets.slice(1)]) {
      const snapshots = [snapshotOf([[], some, [], []])];
      assert.deepEqual(encoded(snapshots, { encoder }), encoded(snapshots));
    }
  });
});
