import type { Collection, Reader } from './engine.ts';
import type { Events } from './events.ts';

/** A callback or source that takes longer than this loses its own readings, not the collection. */
const CALLBACK_TIMEOUT_MS = 1_000;

/**
 * One collection for one consumer (`pull`, or `push/` and a destination's name). What single sources failed with is counted and logged; the
 * rest is returned.
 *
 * @throws if nothing could be collected.
 */
export async function collect(reader: Reader, consumer: string, events: Events): Promise<Collection> {
  const collection = await reader.collect(CALLBACK_TIMEOUT_MS);
  for (const error of collection.errors) {
    events.emit('source failed', { attributes: { 'metergate.consumer': consumer }, fields: { error: String(error) } });
  }
  return collection;
}
