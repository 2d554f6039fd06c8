import type { Deadline } from './deadline.ts';

/**
 * What the gateway is made of. Construction does no work; `start` resolves when the part serves, and rejects to abort the
 * start-up; `shutdown` is idempotent, safe without `start`, refuses new work, flushes, and leaves no timer or socket behind
 * (what the deadline cuts short is lost and counted).
 */
export interface Part {
  readonly name: string;
  start(): Promise<void>;
  shutdown(deadline: Deadline): Promise<void>;
  ready(): boolean;
  /** For `/status`: plain JSON, no credentials, no payloads. */
  status(): Readonly<Record<string, unknown>>;
}
