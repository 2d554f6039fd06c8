import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** On the disk of the repository: where temporary files are may be memory. */
const PARENT = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url));

/** @returns a folder that goes with this process. */
export function createDiskFolder(): string {
  mkdirSync(PARENT, { recursive: true });
  const folder = mkdtempSync(join(PARENT, 'metergate-bench-push-'));
  // Another process, which ends with this one, may still write there.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}
