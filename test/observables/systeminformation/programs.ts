import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export const LINUX = platform() === 'linux' ? false : 'needs the /proc of Linux';

/** Programs of a test's own, which a child process finds before those of the system. */
export interface Programs {
  readonly directory: string;
  /** With `PATH`. */
  readonly env: NodeJS.ProcessEnv;
  put(name: string, script: string): void;
  remove(name: string): void;
  /** Process ids of those that called `HANG`, and of the groups of processes that they were in. */
  hung(): { readonly pid: number; readonly group: number }[];
}

/** As lines of a script: says who it is, and then never ends. */
export const HANG = 'read -r stat < /proc/self/stat; set -- $stat; echo "$1 $5" >> "$0.hung"; exec sleep 1000';

export function createPrograms(t: TestContext, { only = false }: { only?: boolean } = {}): Programs {
  const directory = mkdtempSync(join(tmpdir(), 'metergate-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const names = new Set<string>();
  const pidsOf = (name: string): string => {
    try {
      return readFileSync(join(directory, `${name}.hung`), 'utf8');
    } catch {
      return '';
    }
  };
  return {
    directory,
    env: { ...process.env, PATH: only ? directory : `${directory}:${process.env.PATH ?? ''}` },
    put: (name, script) => {
      names.add(name);
      writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(directory, name), 0o755);
    },
    remove: (name) => rmSync(join(directory, name)),
    hung: () => {
      const lines = Array.from(names, pidsOf).join('').trim().split('\n');
      return lines.filter(Boolean).map((line) => {
        const [pid = NaN, group = NaN] = line.split(' ').map(Number);
        return { pid, group };
      });
    },
  };
}

/** What has ended and only waits for somebody to ask how is not running. */
export function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}
