import { inspect } from 'node:util';
import { sampleValue, type Metadata } from '../support/prometheus.ts';
import { exemplarsOf, knownTo, seriesKey, type Expected, type Labels } from './expected-series.ts';
import { WAYS, type Arrived, type Way } from './three-ways.ts';

/** What one Prometheus knows, but for what it says itself of its scrapes. */
export interface KnownByWay {
  readonly refused: string | undefined;
  /** By series, bounds and quantiles being numbers; native histograms are written out. */
  readonly series: ReadonlyMap<string, string>;
  /** The bounds of buckets, and quantiles, as they are written, by metric. */
  readonly bounds: ReadonlyMap<string, string>;
  /** By the name of the family. */
  readonly metadata: Readonly<Record<string, Metadata>>;
  readonly exemplars: Expected['exemplars'];
}

/** What the three ways do not agree about. */
export interface Difference {
  readonly about: 'page' | 'value' | 'bounds' | 'metadata' | 'type' | 'help' | 'unit' | 'exemplars';
  /** The name of a metric; empty = all that there are. */
  readonly metric: string;
  /** Of the series, but for the name. */
  readonly labels: Labels;
  readonly said: Readonly<Record<Way, string>>;
}

export const NOTHING = 'nothing';

export async function knownBy({ prometheus, refused }: Arrived): Promise<KnownByWay> {
  const { values, natives } = await knownTo(prometheus, ALL);
  const series = new Map<string, string>();
  const bounds = new Map<string, Set<string>>();
  for (const [key, value] of [...values, ...natives]) {
    const labels = labelsOf(key);
    const bound = labels.le ?? labels.quantile;
    if (bound !== undefined) setOf(bounds, labels.__name__).add(bound);
    series.set(withNumericBounds(labels), inspect(value, { depth: 9, breakLength: Infinity }));
  }
  const metadata = Object.entries(await prometheus.metadata());
  const exemplars = [...(await exemplarsOf(prometheus, ALL))];
  return {
    refused,
    series,
    bounds: new Map([...bounds].map(([metric, texts]) => [metric, [...texts].sort(byNumber).join(' ')])),
    metadata: Object.fromEntries(metadata.flatMap(([family, [first]]) => (first ? [[family, first]] : []))),
    exemplars: new Map(exemplars.map(([key, found]) => [withNumericBounds(labelsOf(key)), found])),
  };
}

const ALL = '{__name__!=""}';

export function differencesOf(known: Readonly<Record<Way, KnownByWay>>): readonly Difference[] {
  const compared = WAYS.filter((way) => known[way].refused === undefined);
  const all: Difference[] = [];
  const compare = (
    about: Difference['about'],
    say: (known: KnownByWay) => string | undefined,
    { metric = '', labels = {}, among = compared }: { metric?: string; labels?: Labels; among?: readonly Way[] } = {},
  ): void => {
    const said = mapWays((way) => say(known[way]) ?? NOTHING);
    if (new Set(among.map((way) => said[way])).size > 1) all.push({ about, metric, labels, said });
  };

  compare('page', ({ refused }) => refused ?? 'taken', { among: WAYS });
  for (const key of keysOf(known, ({ series }) => series.keys())) {
    const { __name__: metric, ...labels } = labelsOf(key);
    compare('value', ({ series }) => series.get(key), { metric, labels });
  }
  // Who has no such series has said so.
  const having = (has: (known: KnownByWay) => boolean): readonly Way[] => compared.filter((way) => has(known[way]));
  for (const metric of keysOf(known, ({ bounds }) => bounds.keys())) {
    const among = having(({ bounds }) => bounds.has(metric));
    compare('bounds', ({ bounds }) => bounds.get(metric), { metric, among });
  }
  compare('metadata', ({ metadata }) => (Object.keys(metadata).length === 0 ? undefined : 'some'));
  for (const metric of keysOf(known, ({ metadata }) => Object.keys(metadata))) {
    const among = having(({ metadata }) => metric in metadata);
    for (const about of ['type', 'help', 'unit'] as const) {
      compare(about, ({ metadata }) => metadata[metric]?.[about], { metric, among });
    }
  }
  for (const key of keysOf(known, ({ exemplars }) => exemplars.keys())) {
    const { __name__: metric, ...labels } = labelsOf(key);
    compare('exemplars', ({ exemplars }) => exemplars.get(key) && inspect(exemplars.get(key)), { metric, labels });
  }
  return all;
}

function mapWays<V>(to: (way: Way) => V): Record<Way, V> {
  return { scrape: to('scrape'), collector: to('collector'), endpoint: to('endpoint') };
}

function keysOf(known: Readonly<Record<Way, KnownByWay>>, of: (known: KnownByWay) => Iterable<string>): Set<string> {
  return new Set(WAYS.flatMap((way) => [...of(known[way])]));
}

function labelsOf(key: string): Labels & { __name__: string } {
  return { __name__: '', ...Object.fromEntries(JSON.parse(key) as [string, string][]) };
}

function withNumericBounds(labels: Labels): string {
  const numeric = Object.entries(labels).map(([name, value]) =>
    name === 'le' || name === 'quantile' ? [name, String(sampleValue(value))] : [name, value],
  );
  return seriesKey(Object.fromEntries(numeric) as Labels);
}

function setOf(sets: Map<string, Set<string>>, key: string): Set<string> {
  const known = sets.get(key) ?? new Set();
  sets.set(key, known);
  return known;
}

function byNumber(a: string, b: string): number {
  return sampleValue(a) - sampleValue(b);
}
