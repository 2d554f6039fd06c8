import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createExposition, type PageOptions } from '../../src/exposition/index.ts';
import type { Snapshot } from '../../src/metric/model.ts';
import { decodeFamilies } from './metric-family.ts';
import { expositionDefaults, joinParts, pageDefaults, pageOf } from './page.ts';
import { readPage } from './read-page.ts';
import { toSnapshot, type MetricRows } from './snapshot.ts';

const PART_BYTES = 64 * 1024;

/** @returns copies of the parts, in order, and how often there was none though there was more to do. */
function partsOf(snapshot: Snapshot, options: Partial<PageOptions> = {}) {
  const parts: Buffer[] = [];
  let empty = 0;
  for (const part of createExposition(expositionDefaults).page(snapshot, { ...pageDefaults, ...options }, () => {})) {
    if (part.length === 0) empty++;
    else parts.push(Buffer.from(part));
  }
  return { parts, empty };
}

const many = <T>(count: number, of: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => of(i));
const attributesOf = (i: number) => ({ instance: `machine-${i}`, zone: 'z'.repeat(40) });
const snapshotWith = (...metrics: MetricRows[]): Snapshot => toSnapshot({ scopes: [{ metrics }] });

/** Each of several parts. */
const metrics: Record<string, MetricRows> = {
  gauges: { kind: 'gauge', name: 'a', points: many(5_000, (i) => ({ attributes: attributesOf(i), value: i })) },
  counters: {
    ...{ kind: 'counter', name: 'a' },
    points: many(5_000, (i) => ({ attributes: attributesOf(i), value: i, start: 1.7e12, exemplar: { value: i } })),
  },
  histograms: {
    ...{ kind: 'histogram', name: 'a' },
    points: many(600, (i) => ({ attributes: attributesOf(i), bounds: [1, 2, 4, 8], buckets: [i, 0, 1, 2, 3], sum: i })),
  },
  'exponential histograms': {
    ...{ kind: 'exponential_histogram', name: 'a' },
    points: many(600, (i) => ({
      attributes: attributesOf(i),
      scale: 2,
      positive: { offset: i % 9, counts: [1, 2, 3] },
      sum: i,
    })),
  },
  summaries: {
    ...{ kind: 'summary', name: 'a' },
    points: many(1_500, (i) => ({
      attributes: attributesOf(i),
      quantiles: [0.5, 1],
      values: [i, i],
      count: i,
      sum: i,
    })),
  },
};

describe('the parts of a page', () => {
  for (const [what, metric] of Object.entries(metrics)) {
    for (const format of ['text', 'text_1_0_0', 'openmetrics'] as const) {
      it(`are whole lines of at least 64 KiB and one series more at most: ${what} in ${format}`, () => {
        const { parts, empty } = partsOf(snapshotWith(metric), { format });
        assert.ok(parts.length >= 3, `${parts.length} parts`);
        for (const part of parts) {
          assert.equal(part.at(-1), 0x0a);
          assert.ok(part.length < PART_BYTES + 2_048, `${part.length} bytes`);
        }
        for (const part of parts.slice(0, -1)) assert.ok(part.length >= PART_BYTES);
        // Labels are rendered before, and others have their turn then too.
        assert.ok(empty >= metric.points.length / 1_000 - 1, `${empty} empty parts`);
      });
    }

    it(`are few bytes at one time in protobuf, too: ${what}`, () => {
      const { parts } = partsOf(snapshotWith(metric), { format: 'protobuf' });
      for (const part of parts) assert.ok(part.length < PART_BYTES + 2_048, `${part.length} bytes`);
      assert.equal(decodeFamilies(Buffer.concat(parts))[0]?.family.metric?.length, metric.points.length);
    });
  }

  it('hold small families together', () => {
    const gauges = many(2_000, (i): MetricRows => ({ kind: 'gauge', name: `a${i}`, points: [{ value: i }] }));
    for (const format of ['text', 'openmetrics', 'protobuf'] as const) {
      const { parts } = partsOf(snapshotWith(...gauges), { format });
      const bytes = parts.reduce((total, part) => total + part.length, 0);
      assert.equal(parts.length, Math.ceil(bytes / (PART_BYTES + 64)), `${bytes} bytes of ${format}`);
    }
  });

  it('hold a series of any length whole', () => {
    const label = 'é"\n'.repeat(350_000);
    const points = [{ value: 1 }, { attributes: { label }, value: 2 }, { attributes: { label: 'b' }, value: 3 }];
    const gauge: MetricRows = { kind: 'gauge', name: 'a', points };
    const histogram: MetricRows = {
      ...{ kind: 'histogram', name: 'h' },
      points: points.map(({ attributes }) => ({ attributes: attributes ?? {}, bounds: [1], buckets: [1, 0], sum: 1 })),
    };
    const snapshot = snapshotWith(gauge, histogram);
    const { parts } = partsOf(snapshot);
    const { samples } = readPage(Buffer.concat(parts).toString());
    assert.deepEqual(
      samples.filter(({ name }) => name === 'a').map(({ labels, value }) => [labels.get('label') ?? '', value]),
      [
        ['', 1],
        [label, 2],
        ['b', 3],
      ],
    );
    assert.equal(samples.filter(({ labels }) => labels.get('label') === label).length, 5);
    for (const part of parts) assert.equal(part.at(-1), 0x0a);
    const [first] = decodeFamilies(pageOf(snapshot, { format: 'protobuf' }).bytes);
    assert.deepEqual(first?.family.metric?.[1]?.label, [{ name: 'label', value: label }]);
  });

  it('are made in buffers that go from page to page', () => {
    const exposition = createExposition(expositionDefaults);
    const snapshot = snapshotWith({ kind: 'gauge', name: 'a', points: [{ value: 1 }] });
    const buffers = many(3, () => {
      const page = exposition.page(snapshot, pageDefaults, () => {});
      const buffer = firstBuffer(page);
      page.return();
      return buffer;
    });
    assert.equal(new Set(buffers).size, 1);
    // One that is in use is nobody else's.
    const one = exposition.page(snapshot, pageDefaults, () => {});
    const other = exposition.page(snapshot, pageDefaults, () => {});
    const [first, second] = [one, other].map(firstBuffer);
    assert.notEqual(first, second);
    one.return();
    other.return();
    assert.equal(joinParts(exposition.page(snapshot, pageDefaults, () => {})).toString(), '# TYPE a gauge\na 1\n');
  });

  it('leave no trace of a page that was not read to its end', () => {
    const exposition = createExposition(expositionDefaults);
    const snapshot = snapshotWith(metrics.gauges ?? assert.fail());
    for (const format of ['text', 'openmetrics', 'protobuf'] as const) {
      const options: PageOptions = { ...pageDefaults, format };
      for (let parts = 0; parts < 14; parts++) {
        const page = exposition.page(snapshot, options, () => {});
        for (let i = 0; i < parts; i++) page.next();
        page.return();
      }
      const whole = joinParts(exposition.page(snapshot, options, () => {}));
      assert.ok(whole.equals(pageOf(snapshot, options).bytes));
    }
  });
});

/** Of the first part that has bytes. The page is not closed. */
function firstBuffer(page: Iterator<Buffer, void>): ArrayBufferLike | undefined {
  for (;;) {
    const { done, value } = page.next();
    if (done) return undefined;
    if (value.length > 0) return value.buffer;
  }
}
