import { highHalf, lowHalf, MANTISSA_HIGH_BITS } from './double-bits.ts';

export const SCALE_MAX = 20;

const MIN_NORMAL = 2 ** -1022;
const EXPONENT_BIAS = 1023;

/**
 * The bucket of a positive value: the `index` of `base ** index < value <= base ** (index + 1)`. What is less than the least normal
 * double counts as that one.
 *
 * Source: OpenTelemetry metrics data model, "Exponential histogram bucket mapping": exact for powers of two at every scale and for all
 * values at scales of 0 and less; elsewhere good to the last digit of `Math.log`.
 */
export function indexOf(value: number, scale: number): number {
  const normal = value < MIN_NORMAL ? MIN_NORMAL : value;
  const high = highHalf(normal);
  const exponent = (high >>> MANTISSA_HIGH_BITS) - EXPONENT_BIAS;
  const isPowerOfTwo = high << (32 - MANTISSA_HIGH_BITS) === 0 && lowHalf(normal) === 0;
  if (scale <= 0) return (isPowerOfTwo ? exponent - 1 : exponent) >> -scale;
  if (isPowerOfTwo) return (exponent << scale) - 1;
  // Rounding must not take it out of the buckets of its own power of two.
  const index = Math.floor(Math.log(value) * (Math.LOG2E * 2 ** scale));
  return Math.min(Math.max(index, exponent << scale), ((exponent + 1) << scale) - 1);
}
