import { isUtf8 } from 'node:buffer';

export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
export const COLON = 0x3a;
export const COMMA = 0x2c;
export const OBJECT = 0x7b;

/** `indexOf` leaps over what is long, but a leap costs as much as some bytes one by one. */
const LEAP_MIN = 48;

export function isWhitespace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Of a number, `true`, `false` or `null`, and of the `NaN` that Python reads and writes. */
export function isScalar(byte = 0): boolean {
  const isDigitOrSign = byte === 0x2b || byte === 0x2d || byte === 0x2e || (byte >= 0x30 && byte <= 0x39);
  return isDigitOrSign || (lower(byte) >= 0x61 && lower(byte) <= 0x7a);
}

/** `{` or `[`. */
export function opens(byte = 0): boolean {
  return lower(byte) === 0x7b;
}

/** `}` or `]`. */
export function closes(byte = 0): boolean {
  return lower(byte) === 0x7d;
}

/** Brackets are as far apart as upper and lower case. */
function lower(byte: number): number {
  return byte | 0x20;
}

/**
 * @param from within a string, or right behind its opening quote, and not behind the backslash of an escape.
 * @returns where its closing quote is; where there is none, the length of the bytes, and one more if an escape is cut off by their end.
 */
export function endOfString(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length) {
    const near = Math.min(at + LEAP_MIN, bytes.length);
    while (at < near && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
    if (at < near || at >= bytes.length) return at;
    const quote = bytes.indexOf(QUOTE, at);
    const end = quote < 0 ? bytes.length : quote;
    at = isEscaped(bytes, { from: at, at: end }) ? end + 1 : end;
  }
  return at;
}

function isEscaped(bytes: Buffer, { from, at }: { from: number; at: number }): boolean {
  let first = at;
  while (first > from && bytes[first - 1] === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}

/** The code of an escape such as `\u006d`; undefined if there is none. */
export function escapeAt(raw: Buffer, at: number): number | undefined {
  if (raw[at] !== BACKSLASH) return undefined;
  const [, code] = /^\\u([\da-fA-F]{4})/.exec(raw.toString('latin1', at, at + 6)) ?? [];
  return code === undefined ? undefined : parseInt(code, 16);
}

/**
 * @param raw what is between the quotes of a string, as it is written.
 * @returns undefined if it is not UTF-8, or no string.
 */
export function stringOf(raw: Buffer): string | undefined {
  if (!isUtf8(raw)) return undefined;
  try {
    return JSON.parse(`"${raw.toString()}"`) as string;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
