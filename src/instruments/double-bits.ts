/** The halves of a double, without a list or an object for each. What was split last is read; nothing is kept between two calls of anybody. */
const double = new Float64Array(1);
const halves = new Uint32Array(double.buffer);
const HIGH = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;

/** Bits of the mantissa that are in the high half. */
export const MANTISSA_HIGH_BITS = 20;

/** Sign, exponent, and the first bits of the mantissa. */
export function highHalf(value: number): number {
  double[0] = value;
  return halves[HIGH]!;
}

export function lowHalf(value: number): number {
  double[0] = value;
  return halves[1 - HIGH]!;
}

/** The double of which all other bits are 0. */
export function fromHighHalf(high: number): number {
  halves[HIGH] = high;
  halves[1 - HIGH] = 0;
  return double[0]!;
}
