import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('nvidia-smi-program.ts', import.meta.url));

/** Makes a program that stands for nvidia-smi on a machine with eight GPUs at work. */
export function installNvidiaSmi(): { path: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'metergate-bench-nvidia-smi-'));
  const path = join(folder, 'nvidia-smi');
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`);
  chmodSync(path, 0o755);
  return { path, remove: () => rmSync(folder, { recursive: true }) };
}
