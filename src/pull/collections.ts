import { COLLECT_TIMEOUT_MS, type Collection, type Reader } from '../telemetry/engine.ts';

/** What scrapes may be satisfied with, longest first; few, so that few collections can run at one time, whatever is asked for. */
const TIMEOUTS_MS = [COLLECT_TIMEOUT_MS, 500, 200, 100];

/**
 * Collections for many scrapes: those that come in one turn of the event loop, or while a collection runs, share one; but nobody shares one
 * that waits for callbacks and sources less than he would have done.
 *
 * It begins after that turn, so that whoever shares it finds all that was recorded before his scrape. Only of scrapes that come while a
 * slow callback or source is waited for can what was recorded in the meantime be missing.
 *
 * @returns what collects, within the given time if that is at least 100 ms.
 */
export function createSharedCollections(reader: Reader): (patienceMs: number) => Promise<Collection> {
  const running = new Map<number, Promise<Collection>>();
  const collect = async (timeoutMs: number): Promise<Collection> => {
    await new Promise(setImmediate);
    return reader.collect(timeoutMs);
  };
  return (patienceMs) => {
    const timeoutMs = TIMEOUTS_MS.find((each) => each <= patienceMs) ?? Math.min(...TIMEOUTS_MS);
    const known = running.get(timeoutMs);
    if (known !== undefined) return known;
    const begun = collect(timeoutMs).finally(() => running.delete(timeoutMs));
    running.set(timeoutMs, begun);
    return begun;
  };
}
