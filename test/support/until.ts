import { setTimeout as sleep } from 'node:timers/promises';

/** So long a test waits before it says that what it waits for does not come. Never a measure of how fast something is. */
const GIVE_UP_MS = 60_000;

/** Resolves when the condition holds. @throws when it seems that it never will, naming `what`. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + GIVE_UP_MS;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`waited in vain until ${what}`);
    await sleep(2);
  }
}
