import { execFile, spawnSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';

/** For a test's `skip` option. */
export const skipWithoutMount: string | false =
  process.platform !== 'linux' || process.getuid?.() !== 0 ? 'only root can mount a tmpfs on Linux' : false;

/**
 * A file system of its own in a new folder: when it is full, it is full. It is there until the test or the process ends, whatever happened
 * in between; so make the folder around it first, and let that go by the test's `after` too, later.
 *
 * @returns false where a mount is not allowed, as in most containers.
 */
export async function mountSmallDisk(t: TestContext, path: string, bytes: number): Promise<boolean> {
  await mkdir(path);
  try {
    await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'tmpfs', path]);
  } catch {
    return false;
  }
  // Lazy: also when somebody still has a file open.
  const unmount = (): void => void spawnSync('umount', ['--lazy', path]);
  process.once('exit', unmount);
  t.after(() => {
    process.off('exit', unmount);
    unmount();
  });
  return true;
}
