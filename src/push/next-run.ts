/**
 * Runs of one kind, one after the other. Who asks while one is under way, which may have begun without what he cares for, shares the next one.
 *
 * @param run never rejects.
 */
export function shareNextRun<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  const begin = (): Promise<T> => {
    next = undefined;
    return (running = run());
  };
  return () => (next ??= running.then(begin));
}
