import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Space, StatfsOptions } from '../../../../src/observables/host/procfs/statfs.ts';

export const space: Omit<Space, 'dev'> = {
  bsize: 4096,
  frsize: 1024,
  blocks: 100,
  bfree: 40,
  bavail: 30,
  files: 10,
  ffree: 4,
};

/**
 * statfs of a machine where every mount of a mountinfo is reached. Of two on one mount point, the later one is.
 *
 * @param answer what it says.
 */
export function statfsOf(
  root: string,
  { mountinfo = 'proc/1/mountinfo', answer = space } = {},
): Required<Pick<StatfsOptions, 'call'>> & { readonly called: string[] } {
  const called: string[] = [];
  return {
    called,
    call: (path) => {
      called.push(path);
      const lines = readFileSync(join(root, mountinfo), 'latin1').matchAll(/^\S+ \S+ (\d+):(\d+) \S+ (\S+)/gm);
      const devs = Array.from(
        lines,
        ([, major, minor, at = '']) => [unescape(at), Number(major) * 256 + Number(minor)] as const,
      );
      const dev = new Map(devs.map(([at, dev]) => [join(Buffer.from(root).toString('latin1'), at), dev])).get(path);
      return Promise.resolve({ ...answer, dev: dev ?? NaN });
    },
  };
}

function unescape(text: string): string {
  return text.replace(/\\(\d{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
