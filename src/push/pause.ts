/** Waits that others can end. */
export class Pause {
  readonly #ends = new Set<() => void>();

  /** @param timeoutMs not given = until it is ended. */
  async wait(timeoutMs?: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const end = (): void => resolve(undefined);
    const timer = timeoutMs === undefined ? undefined : setTimeout(end, timeoutMs);
    this.#ends.add(end);
    await promise;
    this.#ends.delete(end);
    clearTimeout(timer);
  }

  /** Ends all waits that are under way. */
  end(): void {
    for (const end of this.#ends) end();
  }
}
