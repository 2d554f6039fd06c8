import { isUtf8 } from 'node:buffer';

/**
 * Names that the kernel takes as any bytes (mount points, interfaces) are read as latin1, one character for each byte, so that none is
 * lost on the way back to the system. What is shown is UTF-8; a name that is not has `\xff` for bytes, so that no two become one.
 */
export function decodeName(name: string): string {
  const bytes = Buffer.from(name, 'latin1');
  if (isUtf8(bytes)) return bytes.toString();
  return name.replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

/** The other way, of a path of ours. */
export function encodeName(name: string): string {
  return Buffer.from(name).toString('latin1');
}
