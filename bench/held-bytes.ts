/** What is held after a collection of garbage, with what typed arrays and buffers hold outside of the heap. Wants `--expose-gc`. */
export function heldBytes(): number {
  if (globalThis.gc === undefined) throw new Error('start it with --expose-gc');
  globalThis.gc();
  globalThis.gc();
  return takenBytes();
}

/** With the garbage that was not collected yet. */
export function takenBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
