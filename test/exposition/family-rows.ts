import type { Dropped, Family, FamilyOptions } from '../../src/exposition/families.ts';
import { toFamilies } from './to-families.ts';
import type { Attributes } from '../../src/metric/model.ts';
import { expositionDefaults, pageDefaults } from './page.ts';
import { toSnapshot, type MetricRows, type SnapshotRows } from './snapshot.ts';

// Metrics of one series each, where a test is about something else.

export const gauge = (name: string, rest: Partial<MetricRows> = {}) =>
  ({ name, kind: 'gauge', points: [{ value: 1 }], ...rest }) as MetricRows;
export const counter = (name: string, rest: Partial<MetricRows> = {}) =>
  ({ name, kind: 'counter', points: [{ value: 1 }], ...rest }) as MetricRows;
export const histogram = (name: string, rest: Partial<MetricRows> = {}) =>
  ({ name, kind: 'histogram', points: [{ bounds: [1], buckets: [1, 0], sum: 1 }], ...rest }) as MetricRows;
export const quantiles = (name: string, rest: Partial<MetricRows> = {}) =>
  ({ name, kind: 'summary', points: [{ quantiles: [0.5], values: [1], count: 1 }], ...rest }) as MetricRows;
export const exponential = (name: string, rest: Partial<MetricRows> = {}) => {
  const points = [{ scale: 0, positive: { offset: -1, counts: [1] }, sum: 1 }];
  return { name, kind: 'exponential_histogram', points, ...rest } as MetricRows;
};

/** One row per attribute set, of values 0, 1, 2 ... */
export const rows = (...attributes: Attributes[]) => attributes.map((own, value) => ({ attributes: own, value }));
export const oneScope = (...metrics: MetricRows[]): SnapshotRows => ({ scopes: [{ metrics }] });

export const dropped = (name: string, reason: Dropped['reason'], series = 1): Dropped => ({ name, reason, series });

/** Type and name of each family with the labels of its series, as `{a=1,b=2}`, and what was left out. */
export function summariseFamilies(given: SnapshotRows, options: Partial<FamilyOptions> = {}) {
  const left: Dropped[] = [];
  const all = { ...expositionDefaults, ...pageDefaults, ...options };
  const families = toFamilies(toSnapshot(given), all, (one) => void left.push(one));
  return { families: families.map(summarise), dropped: left };
}

function summarise({ type, name, blocks }: Family): string {
  const series = blocks.flatMap(({ labelsOf, points }) => points.attributes.map((own) => [...labelsOf(own)]));
  const texts = series.map((own) => own.map((part, i) => (i % 2 === 0 ? part : `=${part},`)).join(''));
  return `${type} ${name} ${texts.map((text) => `{${text.slice(0, -1)}}`).join(' ')}`;
}
