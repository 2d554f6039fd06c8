import { readPems } from '../http/pem.ts';
import { errorText } from '../std/error-text.ts';
import type { Batch } from './batch.ts';
import { createLanes, type Lanes } from './lanes.ts';
import type { DestinationOptions } from './options.ts';
import { openQueue } from './queue/index.ts';
import type { DiskPlaces } from './queue/disk/places.ts';
import type { Queue } from './queue/queue.ts';
import type { Records } from './records.ts';
import { createTransport } from './transports/index.ts';
import type { SendOutcome, Tls, Transport } from './transports/transport.ts';

/** What a destination has from its start on. */
export interface OpenDestination {
  readonly queue: Queue;
  readonly transport: Transport;
  readonly lanes: Lanes;
}

export interface OpenDestinationOptions {
  readonly options: DestinationOptions;
  readonly records: Records;
  readonly userAgent: string;
  readonly tls: Tls;
  readonly places: DiskPlaces;
  readonly attempt: (transport: Transport, batch: Batch) => Promise<SendOutcome>;
  /** A batch has left the queue, or is safe. */
  readonly onLeft: () => void;
}

/** @throws if another process owns the folder of the queue; the message names the key, the folder and the owner. */
export async function openDestination(given: OpenDestinationOptions): Promise<OpenDestination> {
  const { options, records, userAgent, tls, places, attempt, onLeft } = given;
  const { directory } = options.queue;
  const queue = await openQueue(
    {
      ...options.queue,
      onDrop: (drop) => {
        records.lost(drop);
        onLeft();
      },
      onFault: (fault) => records.faulty(fault),
      onPersisted: onLeft,
    },
    directory === undefined ? {} : { within: await places.of(directory) },
  ).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : errorText(cause);
    throw new Error(`push ${options.name}: queue.directory: ${reason}`, { cause });
  });
  const transport = createTransport(
    options.protocol,
    { ...options, tls, userAgent },
    {
      read: (before) => readPems(`push ${options.name}`, options.tls ?? {}, before),
      onRead: (problem) => records.certificatesRead(problem),
    },
  );
  const lanes = createLanes({
    ...options,
    queue,
    order: options.queue.order,
    attempt: (batch) => attempt(transport, batch),
    settled: (batch, tally) => {
      records.settled(batch, tally);
      onLeft();
    },
  });
  return { queue, transport, lanes };
}
