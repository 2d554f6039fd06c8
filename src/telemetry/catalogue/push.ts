import { HTTP_SECONDS, type InstrumentDefinition } from './definition.ts';

/** What goes out by OTLP, of each destination. */
export const push = {
  'metergate.push.points.sent': {
    kind: 'counter',
    unit: '{point}',
    description: 'Data points that a destination accepted',
    attributes: ['metergate.destination'],
    stability: 'development',
  },
  'metergate.push.points.send_failed': {
    kind: 'counter',
    unit: '{point}',
    description:
      'Data points of attempts that failed and are made again, every attempt counted; engine sdk: of exports that failed',
    attributes: ['metergate.destination', 'error.type'],
    stability: 'development',
  },
  'metergate.push.points.enqueue_failed': {
    kind: 'counter',
    unit: '{point}',
    description: 'Data points that the queue could not take',
    attributes: ['metergate.destination', 'error.type'],
    stability: 'development',
  },
  'metergate.push.points.dropped': {
    kind: 'counter',
    unit: '{point}',
    description: 'Data points that were collected and will not be delivered',
    attributes: ['metergate.destination', 'metergate.reason'],
    stability: 'development',
  },
  'metergate.push.batches.dropped': {
    kind: 'counter',
    unit: '{batch}',
    description: 'Batches that were in the queue and will not be delivered; of a damaged file it is not known how many',
    attributes: ['metergate.destination', 'metergate.reason'],
    stability: 'development',
  },
  'metergate.push.batches.not_persisted': {
    kind: 'counter',
    unit: '{batch}',
    description: 'Batches that are kept in memory because the folder of the queue could not take them',
    attributes: ['metergate.destination'],
    stability: 'development',
  },
  'metergate.push.export.duration': {
    kind: 'histogram',
    unit: 's',
    description:
      'Time that an attempt to send a batch took, by how it ended; engine sdk: an export with its collection',
    attributes: ['metergate.destination', 'metergate.push.outcome'],
    bounds: HTTP_SECONDS,
    stability: 'development',
  },
  'metergate.push.queue.size': {
    kind: 'observable_gauge',
    unit: 'By',
    description:
      'What the queue of a destination holds, with up to 64 MiB on their way to it; engine native only, like all of the queue',
    attributes: ['metergate.destination'],
    stability: 'development',
  },
  'metergate.push.queue.capacity': {
    kind: 'observable_gauge',
    unit: 'By',
    description: 'What the queue of a destination may hold before the oldest batches are dropped',
    attributes: ['metergate.destination'],
    stability: 'development',
  },
  'metergate.push.queue.batches': {
    kind: 'observable_gauge',
    unit: '{batch}',
    description: 'Batches that wait for a destination',
    attributes: ['metergate.destination'],
    stability: 'development',
  },
  'metergate.push.queue.batch_capacity': {
    kind: 'observable_gauge',
    unit: '{batch}',
    description: 'Batches that may wait before the oldest are dropped',
    attributes: ['metergate.destination'],
    stability: 'development',
  },
  'metergate.push.queue.oldest_age': {
    kind: 'observable_gauge',
    unit: 's',
    description: 'Time since the oldest batch that waits was collected; absent when none waits',
    attributes: ['metergate.destination'],
    stability: 'development',
  },
  'metergate.push.last_success.time': {
    kind: 'observable_gauge',
    unit: 's',
    description: 'When a destination last accepted a batch, as Unix time; absent before the first',
    attributes: ['metergate.destination'],
    stability: 'development',
  },
} as const satisfies Record<string, InstrumentDefinition>;
