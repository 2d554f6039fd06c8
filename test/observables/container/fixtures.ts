import { fileURLToPath } from 'node:url';

/** @returns the root of a machine in test/fixtures/proc. */
export function cgroupFixture(name: string): string {
  return fileURLToPath(new URL(`../../fixtures/proc/cgroup-${name}`, import.meta.url));
}

export const MACHINE_BYTES = 8 * 1024 ** 3;
