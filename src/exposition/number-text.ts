/** Shortest decimal that is read back as the same double. */
export function valueText(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return String(value);
}

/**
 * As Go's `%g` and so as every official client writes it: `le` and `quantile` are compared as strings, and 1048576 must be
 * `1.048576e+06` here too.
 */
export function boundText(bound: number): string {
  if (!Number.isFinite(bound) || bound === 0) return valueText(bound);
  const [mantissa = '', exponent = ''] = bound.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(bound);
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

/** As `boundText`, and whole numbers as `1.0`: OpenMetrics' canonical numbers. */
export function canonicalText(bound: number): string {
  const text = boundText(bound);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}
