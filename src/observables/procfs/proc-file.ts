import { readFileSync } from 'node:fs';
import { getSystemErrorMessage } from 'node:util';
import { SampleError } from '../observable.ts';

/**
 * The text of a file of /proc or /sys, read in one go and in step: the kernel makes it up without waiting for a device.
 *
 * A descriptor that stays open would save 5 us a file: 85 instead of 140 us for the eleven of one sample, Node 26. That is a
 * hundred-thousandth of a core, and it would read on from a file that is gone and keep the host's root mounted in our container.
 *
 * @param encoding `latin1` where names are any bytes: one character for each.
 * @throws SampleError `missing` when there is no such file, else `unreadable`, with the error of the system as its cause; `malformed`
 *   when the last line has no end, for then a number can be cut off.
 */
export function readProcFile(path: string, encoding: 'utf8' | 'latin1' = 'utf8'): string {
  const text = readText(path, encoding);
  if (text !== '' && !text.endsWith('\n')) throw malformed(path, 'is cut off');
  return text;
}

function readText(path: string, encoding: 'utf8' | 'latin1'): string {
  try {
    return readFileSync(path, encoding);
  } catch (error) {
    throw systemError(`cannot read ${path}`, error);
  }
}

/** @param what failed, with the path. @returns `missing` or `unreadable`, with the system's words. */
export function systemError(what: string, cause: unknown): SampleError {
  const { code = '', errno } = cause as NodeJS.ErrnoException;
  const why = errno === undefined ? String(cause) : `${getSystemErrorMessage(errno)} (${code})`;
  const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
  return new SampleError(isMissing ? 'missing' : 'unreadable', `${what}: ${why}`, { cause });
}

/** @returns the code of the system, such as `ENOENT`, of an error of `readProcFile`. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof SampleError ? (error.cause as NodeJS.ErrnoException | undefined)?.code : undefined;
}

/** @param what is wrong with it, as the end of a sentence. */
export function malformed(path: string, what: string): SampleError {
  return new SampleError('malformed', `${path} ${what}`);
}
