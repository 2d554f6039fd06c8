import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Dropped } from '../../src/exposition/families.ts';
import { createExposition, type Exposition, type PageOptions } from '../../src/exposition/index.ts';
import type { Attributes, Snapshot } from '../../src/metric/model.ts';
import { expositionDefaults, joinParts, pageDefaults } from './page.ts';
import { runs } from './runs.ts';

// Label bytes are kept from page to page, and taken over for series whose attributes are the same object. A page must never show it: it
// is byte for byte the one that an exposition without a past makes.

/** Sets of one block of points; a block that does not change keeps its array. */
type Blocks = readonly (readonly Attributes[])[];

type Step =
  | { readonly do: 'add'; readonly block: number; readonly at: number; readonly sets: readonly Attributes[] }
  | { readonly do: 'remove'; readonly block: number; readonly at: number; readonly count: number }
  | { readonly do: 'move'; readonly block: number; readonly from: number; readonly to: number }
  | { readonly do: 'copy set' | 'copy array' | 'reverse'; readonly block: number; readonly at: number }
  | { readonly do: 'swap blocks'; readonly block: number; readonly with: number }
  | { readonly do: 'page'; readonly as: number; readonly names: boolean }
  | { readonly do: 'start page'; readonly as: number }
  | { readonly do: 'advance'; readonly page: number; readonly parts: number }
  | { readonly do: 'leave'; readonly page: number };

/** More than are kept. */
const WAYS: readonly PageOptions[] = [
  pageDefaults,
  { format: 'openmetrics', escaping: 'underscores' },
  { format: 'openmetrics', escaping: 'allow-utf-8' },
  { format: 'text_1_0_0', escaping: 'values' },
  { format: 'protobuf', escaping: 'underscores' },
  { format: 'protobuf', escaping: 'dots' },
];
const BLOCKS = 6;

/** A new object each time, with few contents, so that there are duplicates. */
const newSet = fc.oneof(
  { weight: 8, arbitrary: fc.nat(12).map((n): Attributes => ({ 'a.b': `value ${n}` })) },
  { weight: 1, arbitrary: fc.constant(0).map((): Attributes => ({})) },
  { weight: 1, arbitrary: fc.nat(2).map((n): Attributes => ({ 'a.b': [BigInt(n)] as unknown as string })) },
);
/** Enough for several steps and parts. */
const manySets = fc
  .tuple(fc.nat(1200), fc.nat(99))
  .map(([count, first]) =>
    Array.from({ length: count }, (_, i): Attributes => ({ 'a.b': `value ${first + i}`, c: 'x'.repeat(80) })),
  );
const place = fc.nat(40);
const block = fc.nat(BLOCKS - 1);
const as = fc.nat(WAYS.length - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('add'), block, at: place, sets: fc.array(newSet, { minLength: 1, maxLength: 5 }) }),
  { weight: 1, arbitrary: fc.record({ do: fc.constant('add'), block, at: place, sets: manySets }) },
  fc.record({ do: fc.constant('remove'), block, at: place, count: fc.constantFrom(1, 1, 2, 70, 2000) }),
  fc.record({ do: fc.constant('move'), block, from: place, to: place }),
  fc.record({ do: fc.constantFrom('copy set', 'copy array', 'reverse'), block, at: place }),
  fc.record({ do: fc.constant('swap blocks'), block, with: block }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant('page'), as, names: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('start page'), as }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('advance'), page: fc.nat(4), parts: fc.nat(6) }) },
  fc.record({ do: fc.constant('leave'), page: fc.nat(4) }),
);

function change(blocks: Blocks, step: Step): Blocks {
  const edit = (index: number, edited: (sets: Attributes[]) => readonly Attributes[]): Blocks =>
    blocks.map((sets, i) => (i === index ? edited([...sets]) : sets));
  switch (step.do) {
    case 'add':
      return edit(step.block, (sets) => sets.toSpliced(step.at, 0, ...step.sets));
    case 'remove':
      return edit(step.block, (sets) => sets.toSpliced(step.at, step.count));
    case 'move':
      return edit(step.block, (sets) => {
        const moved = sets.splice(step.from, 1);
        return sets.toSpliced(step.to, 0, ...moved);
      });
    case 'copy set':
      return edit(step.block, (sets) => sets.map((set, i) => (i === step.at ? { ...set } : set)));
    case 'copy array':
      return edit(step.block, (sets) => sets);
    case 'reverse':
      return edit(step.block, (sets) => sets.reverse());
    case 'swap blocks':
      return blocks.map((sets, i) => {
        if (i === step.block) return blocks[step.with] ?? sets;
        return i === step.with ? (blocks[step.block] ?? sets) : sets;
      });
    default:
      return blocks;
  }
}

/** A gauge of two scopes, a histogram with two sets of bounds, a summary, and a gauge that changes its name with its first set. */
function snapshotOf(blocks: Blocks): Snapshot {
  const [a, b, c, d, e, f] = blocks.map((attributes) => {
    const rows = attributes.length;
    const column = (width = 1) => Float64Array.from({ length: rows * width }, (_, i) => i);
    return { rows, attributes, startTimesMs: column(), timesMs: column(), values: column(), column };
  });
  assert.ok(a && b && c && d && e && f);
  const described = { description: '', unit: '' };
  const histogramOf = ({ column, ...points }: typeof a, bounds: number[]) => ({
    ...{ ...points, bounds, bucketCounts: column(bounds.length + 1) },
    ...{ counts: column(), sums: column() },
  });
  const scope = { version: '', schemaUrl: '' };
  return {
    resource: { 'service.name': 'x' },
    scopes: [
      {
        scope: { ...scope, name: 'one' },
        metrics: [
          { ...described, kind: 'gauge', name: 'g', points: a },
          {
            ...{ ...described, kind: 'histogram', name: 'h', temporality: 'cumulative' },
            points: [histogramOf(c, []), histogramOf(d, [1, 2])],
          },
          {
            ...{ ...described, kind: 'summary', name: 's' },
            points: [{ ...e, counts: e.column(), sums: e.column(), quantiles: [0.5], quantileValues: e.column() }],
          },
          { ...described, kind: 'gauge', name: `n${f.rows % 2}`, points: f },
        ],
      },
      { scope: { ...scope, name: 'two' }, metrics: [{ ...described, kind: 'gauge', name: 'g', points: b }] },
    ],
  };
}

function freshPage(snapshot: Snapshot, options: PageOptions) {
  const dropped: Dropped[] = [];
  const page = createExposition(expositionDefaults).page(snapshot, options, (one) => void dropped.push(one));
  return { bytes: joinParts(page), dropped };
}

interface Started {
  readonly snapshot: Snapshot;
  readonly options: PageOptions;
  readonly parts: Generator<Buffer, void, undefined>;
  readonly dropped: Dropped[];
  readonly copies: Buffer[];
  /** Not copied yet: it stays as it is until the next one of this page is asked for, whatever other pages do. */
  last: Buffer | undefined;
}

function startPage(exposition: Exposition, snapshot: Snapshot, options: PageOptions): Started {
  const dropped: Dropped[] = [];
  const parts = exposition.page(snapshot, options, (one) => void dropped.push(one));
  return { snapshot, options, parts, dropped, copies: [], last: undefined };
}

/** @returns whether there is nothing more; then the page was compared. */
function advance(page: Started): boolean {
  if (page.last !== undefined) page.copies.push(Buffer.from(page.last));
  const { value, done } = page.parts.next();
  page.last = value ?? undefined;
  if (done !== true) return false;
  const expected = freshPage(page.snapshot, page.options);
  assert.ok(Buffer.concat(page.copies).equals(expected.bytes), JSON.stringify(page.options));
  assert.deepEqual(page.dropped, expected.dropped);
  return true;
}

function run(steps: readonly Step[]): void {
  const exposition = createExposition(expositionDefaults);
  let blocks: Blocks = Array.from({ length: BLOCKS }, () => []);
  const started: Started[] = [];
  for (const each of steps) {
    blocks = change(blocks, each);
    if (each.do === 'page') {
      const options = WAYS[each.as] ?? pageDefaults;
      const names = each.names ? new Set(['g', 'h_count', 'n1']) : undefined;
      const page = startPage(exposition, snapshotOf(blocks), { ...options, names });
      while (!advance(page));
    } else if (each.do === 'start page') {
      started.push(startPage(exposition, snapshotOf(blocks), WAYS[each.as] ?? pageDefaults));
    } else if (each.do === 'advance') {
      const page = started[each.page];
      for (let i = 0; page !== undefined && i < each.parts; i++) {
        if (!advance(page)) continue;
        started.splice(each.page, 1);
        break;
      }
    } else if (each.do === 'leave') started.splice(each.page, 1)[0]?.parts.return();
  }
  for (const page of started) while (!advance(page));
}

/** Sets that count how often they are read. */
function countingSets(count: number) {
  const reads = { count: 0 };
  const sets = Array.from({ length: count }, (_, i) => {
    const read = () => {
      reads.count++;
      return i;
    };
    return Object.defineProperty({}, 'a', { enumerable: true, get: read });
  });
  return { reads, sets };
}

const gaugeOf = (sets: readonly Attributes[]): Blocks => [sets, [], [], [], [], []];

describe('label bytes that are kept', () => {
  it('never show, whatever becomes of the series, with several pages in progress and some left unfinished', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 40 }), run), runs({ short: 150, long: 20_000 }));
  });

  it('are made once for each series, however often its array is a new one', () => {
    const exposition = createExposition(expositionDefaults);
    const { reads, sets } = countingSets(2_000);
    const readsOf = (some: readonly Attributes[]): number => {
      const before = reads.count;
      joinParts(exposition.page(snapshotOf(gaugeOf(some)), pageDefaults, () => {}));
      return reads.count - before;
    };
    const older = sets.slice(0, 1_000);
    const each = readsOf(older) / 1_000;
    assert.ok(each > 0);
    assert.equal(readsOf(older), 0);
    assert.equal(readsOf([...older]), 0);
    assert.equal(readsOf(older.toSpliced(500, 1)), 0);
    // Where many have gone or come, or the order is another one, a few are not found at once.
    const fewer = older.toSpliced(500, 300);
    assert.ok(readsOf(fewer) < 300 * each);
    assert.equal(readsOf([...fewer]), 0);
    assert.equal(readsOf([...fewer, ...sets.slice(1_000)]), 1_000 * each);
    assert.ok(readsOf([...sets.slice(1_000), ...fewer]) < 2_000 * each);
  });

  it('are made for each way of writing them, but not for each format of text', () => {
    const exposition = createExposition(expositionDefaults);
    const { reads, sets } = countingSets(10);
    const counts = [pageDefaults, ...WAYS].map((options) => {
      const before = reads.count;
      joinParts(exposition.page(snapshotOf(gaugeOf(sets)), options, () => {}));
      return reads.count > before;
    });
    assert.deepEqual(counts, [true, false, false, true, true, true, true]);
  });

  it('are forgotten with their family, but not because a page does not want it', () => {
    const exposition = createExposition(expositionDefaults);
    const { reads, sets } = countingSets(10);
    const isRead = (blocks: Blocks, names?: ReadonlySet<string>): boolean => {
      const before = reads.count;
      joinParts(exposition.page(snapshotOf(blocks), { ...pageDefaults, names }, () => {}));
      return reads.count > before;
    };
    assert.equal(isRead(gaugeOf(sets), new Set(['target_info'])), false);
    assert.equal(isRead(gaugeOf(sets)), true);
    assert.equal(isRead(gaugeOf(sets), new Set(['target_info'])), false);
    assert.equal(isRead(gaugeOf(sets)), false);
    assert.equal(isRead(gaugeOf([])), false);
    assert.equal(isRead(gaugeOf(sets)), true);
  });
});

describe('series of a family', () => {
  const page = (...blocks: Attributes[][]) => {
    const snapshot = snapshotOf([...blocks, [], [], [], [], [], []].slice(0, BLOCKS));
    const { bytes, dropped } = freshPage(snapshot, pageDefaults);
    return { lines: bytes.toString().match(/^g.*$/gm), dropped };
  };

  it('are the first ones of their labels, of whatever scope and however they came to be the same', () => {
    const { lines, dropped } = page(
      [{ a: '1', b: '2' }, { b: '2', a: 1 }, { a: '1' }, { a: '1', c: '' }],
      [{ a: '1' }],
    );
    assert.deepEqual(lines, [
      'g{a="1",b="2",otel_scope_name="one"} 0',
      'g{a="1",otel_scope_name="one"} 2',
      'g{a="1",otel_scope_name="two"} 0',
    ]);
    assert.deepEqual(dropped, [{ name: 'g', reason: 'duplicate_series', series: 2 }]);
  });

  it('are told apart where their values only look alike when run together', () => {
    const { lines, dropped } = page([{ x: '1",y="2' }, { x: '1', y: '2' }, { x: '1\\' }, { x: '1\n' }, { x: '1\\n' }]);
    assert.equal(lines?.length, 5);
    assert.deepEqual(dropped, []);
  });

  it('are left out where their attributes cannot be read, or have no text', () => {
    const unreadable: Attributes = {
      get a(): string {
        throw new Error('not now');
      },
    };
    const sets = [{ a: '0' }, unreadable, { a: [1n] as unknown as string }, { a: '3' }];
    const { lines, dropped } = page(sets, [unreadable]);
    assert.deepEqual(lines, ['g{a="0",otel_scope_name="one"} 0', 'g{a="3",otel_scope_name="one"} 3']);
    assert.deepEqual(dropped, [
      { name: 'g', reason: 'bad_attributes', series: 2 },
      { name: 'g', reason: 'bad_attributes', series: 1 },
    ]);
  });
});
