import { medianOf } from '../median.ts';
import type { MemorySample } from './gateway-process.ts';

const MIB = 1 << 20;
/**
 * What the compilers make in the first hundred thousand requests is about one MiB, connections that happen to be open are some hundred
 * KiB. In a million requests it is three bytes for each, less than anything that could be held for each.
 */
const HELD_GROWTH_MAX = 2 * MIB;
/** The allocator keeps what it was given in the meantime, and gives it back, in large pieces. */
const RSS_GROWTH_MAX = 64 * MIB;

/** @returns sentences about what has grown from the first third of the samples to the last, by more than samples differ anyhow. */
export function growth(samples: readonly MemorySample[]): string[] {
  const third = Math.floor(samples.length / 3);
  const grown = (name: keyof MemorySample): number =>
    medianOf(samples.slice(-third).map((sample) => sample[name])) -
    medianOf(samples.slice(0, third).map((sample) => sample[name]));
  const heldBytes = grown('heldBytes');
  const rssBytes = grown('rssBytes');
  return [
    ...(heldBytes > HELD_GROWTH_MAX ? [`what is held after a collection of garbage grew by ${inMiB(heldBytes)}`] : []),
    ...(rssBytes > RSS_GROWTH_MAX ? [`the resident memory grew by ${inMiB(rssBytes)}`] : []),
  ];
}

export function inMiB(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
