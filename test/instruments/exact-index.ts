const FRACTION_BITS = 200n;
const ONE = 1n << FRACTION_BITS;
const bits = new DataView(new ArrayBuffer(8));

/** Mantissa and exponent of a normal positive double: `mantissa / 2 ** 52 * 2 ** exponent`. */
function split(value: number): { mantissa: bigint; exponent: number } {
  bits.setFloat64(0, value);
  const all = bits.getBigUint64(0);
  return { mantissa: (all & ((1n << 52n) - 1n)) | (1n << 52n), exponent: Number((all >> 52n) & 0x7ffn) - 1023 };
}

export interface Exact {
  readonly index: number;
  /** Where in its bucket the value is: 0 = at the lower bound, which is not of it, 1 = at the upper. */
  readonly position: number;
}

/**
 * The exponential bucket of a normal positive double, without any rounding: the digits of its binary logarithm, got by squaring in
 * whole numbers of 200 digits. (Knuth, The Art of Computer Programming, 1.2.2, exercise 25.)
 */
export function exactIndex(value: number, scale: number): Exact {
  const { mantissa, exponent } = split(value);
  if (mantissa === 1n << 52n) return bucketOfPower(exponent, scale);
  if (scale < 0) {
    const position = (exponent + 0.5) / 2 ** -scale;
    return { index: Math.floor(position), position: position - Math.floor(position) };
  }
  let index = exponent;
  let rest = mantissa << (FRACTION_BITS - 52n);
  const nextDigit = (): 0 | 1 => {
    rest = (rest * rest) >> FRACTION_BITS;
    if (rest < 2n * ONE) return 0;
    rest >>= 1n;
    return 1;
  };
  for (let digit = 0; digit < scale; digit++) index = index * 2 + nextDigit();
  let position = 0;
  for (let digit = 1; digit <= 40; digit++) position += nextDigit() * 2 ** -digit;
  return { index, position };
}

/** Upper bounds belong to their bucket. */
function bucketOfPower(exponent: number, scale: number): Exact {
  const upper = exponent * 2 ** scale;
  return { index: Math.ceil(upper) - 1, position: upper - Math.ceil(upper) + 1 };
}
