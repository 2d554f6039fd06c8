import type { Collection, Reader } from '../telemetry/engine.ts';

/**
 * Collections for many scrapes: those that come in one turn of the event loop, or while a collection runs, share one.
 *
 * It begins after that turn, so that whoever shares it finds all that was recorded before his scrape. Only of scrapes that come while a
 * slow callback or source is waited for can what was recorded in the meantime be missing.
 */
export function createSharedCollections(reader: Reader): (timeoutMs: number) => Promise<Collection> {
  let running: Promise<Collection> | undefined;
  const collect = async (timeoutMs: number): Promise<Collection> => {
    await new Promise(setImmediate);
    return reader.collect(timeoutMs);
  };
  return (timeoutMs) => {
    running ??= collect(timeoutMs).finally(() => (running = undefined));
    return running;
  };
}
