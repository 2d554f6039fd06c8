import { setTimeout } from 'node:timers/promises';
import { errorText } from '../std/error-text.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Destination } from './destination.ts';

const AGAIN_MS = 5_000;

/** Goes on starting a destination that could not be in time, until it is, or is at its end. What is collected meanwhile waits in memory. */
export async function startLate(destination: Destination, logger: Logger): Promise<void> {
  const fields = { 'metergate.destination': destination.name };
  const isWanted = (): boolean => destination.isStarted && !destination.isOpen;
  if (isWanted()) logger.warn('the queue is not open yet', fields);
  while (isWanted()) {
    try {
      await destination.start();
    } catch (error) {
      destination.records.refused(errorText(error));
      // The process must not wait for this.
      await setTimeout(AGAIN_MS, undefined, { ref: false });
    }
  }
}
