import type { DestinationOptions } from './options.ts';

/** Destinations that are sent the very same batches: these are collected and encoded once for all of them. */
export interface FeedOptions {
  /** Of its destinations, joined by `+`. */
  readonly name: string;
  readonly temporality: DestinationOptions['temporality'];
  readonly destinations: readonly [DestinationOptions, ...DestinationOptions[]];
}

/** @param engine with `sdk` each destination has a reader and an exporter of its own. */
export function feedsOf(destinations: readonly DestinationOptions[], engine: 'native' | 'sdk'): readonly FeedOptions[] {
  const groups = new Map<unknown, [DestinationOptions, ...DestinationOptions[]]>();
  for (const destination of destinations) {
    const key = engine === 'sdk' ? destination : likenessOf(destination);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [destination]);
    else group.push(destination);
  }
  return Array.from(groups.values(), (group) => ({
    name: group.map(({ name }) => name).join('+'),
    temporality: group[0].temporality,
    destinations: group,
  }));
}

function likenessOf({ temporality, intervalMs, metrics, batchBytesMax }: DestinationOptions): string {
  return JSON.stringify([temporality, intervalMs, metrics.included, metrics.excluded, batchBytesMax]);
}
