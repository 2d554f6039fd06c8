import * as z from 'zod';
import {
  choice,
  count,
  duration,
  durationWithin,
  filled,
  list,
  name,
  patterns,
  section,
  size,
  sizeWithin,
  text,
} from './kinds.ts';
import { tlsFiles } from './tls-schema.ts';
import { matching, readUpstreamUrl } from './values.ts';

export function push() {
  return list(destination()).prefault([]).describe('Where the metrics are sent to by OTLP.');
}

function destination() {
  return section({
    name: name().describe('Value of metergate.destination; unique.'),
    protocol: choice('grpc', 'http/protobuf').default('grpc').describe('The transport of OTLP.'),
    endpoint: text(
      // The protocol decides what it may be, and what becomes of it: see readDestination.
      (url) => readUpstreamUrl(url) && url,
      'must be an http or https URL without user information, query or fragment',
    ).describe(
      'http is plain text, https is TLS. grpc: without a path; http/protobuf: the whole URL, or without a path for /v1/metrics.',
    ),
    interval: duration().prefault('60s').describe('From one push to the next.'),
    timeout: duration()
      .optional()
      .describe('How long one attempt to send may take; with telemetry.engine sdk it must not exceed interval.'),
    headers: z
      .record(
        // What it may be: see destination-checks.ts.
        z.string().toLowerCase(),
        text(matching(/^[\x20-\x7e]*$/), 'must be a string of printable ASCII characters'),
        'must be a mapping',
      )
      .prefault({})
      .describe('Sent with every push; the values are never shown.'),
    compression: choice('none', 'gzip').default('none').describe('Compression of what is sent.'),
    temporality_preference: choice('cumulative', 'delta', 'low_memory')
      .default('cumulative')
      .describe('Temporality of counters and histograms.'),
    metrics: section({
      included: patterns()
        .min(1, 'must be a list of at least one, or be left out, for all metrics')
        .optional()
        .describe('OpenTelemetry names of those that are; all, if not given.'),
      excluded: patterns().default([]).describe('Names of those that are not, though they are included.'),
    })
      .prefault({})
      .describe('Which metrics are sent. * and ? are wildcards.'),
    max_batch_size: size({ byDefault: '3MiB', from: '16KiB', to: '64MiB' }).describe(
      'Of one request before its compression, from 16KiB to 64MiB; what is collected is sent in as many as it takes.',
    ),
    max_concurrent_exports: count(1, 32)
      .default(1)
      .describe('Requests at one time, all of one collection, so that no series overtakes itself.'),
    queue: queue(),
    retry: section({
      initial_interval: duration().prefault('1s').describe('From the first attempt to the second, with jitter.'),
      max_interval: duration().prefault('30s').describe('Each wait is twice the one before, but no longer than this.'),
    })
      .prefault({})
      .describe('How a batch is sent again that could not be sent; it is tried until it leaves the queue.'),
    tls: section(tlsFiles()).optional().describe('Only with an https endpoint.'),
  });
}

function queue() {
  return section({
    directory: filled()
      .optional()
      .describe('Where the folder of this queue is, which has the name of the destination; in memory, if not given.'),
    max_size: sizeWithin({ from: '1MiB', to: '1TiB' })
      .optional()
      .describe('When there is more, the oldest batches are dropped; at least twice max_batch_size.'),
    max_batches: count().default(100_000).describe('The same of the number of batches.'),
    max_age: durationWithin({ from: '1s', to: '3650d' })
      .optional()
      .describe('Batches that were collected longer ago are dropped, up to 3650d; none, if not given.'),
    order: choice('oldest_first', 'newest_first')
      .default('oldest_first')
      .describe('Whether what is collected now waits for what could not be sent before, or overtakes it.'),
    fsync: choice('every_batch', 'every_second', 'never')
      .default('every_batch')
      .describe(
        'When the disk is told to write what it was given; a crash of the gateway alone loses nothing in any case.',
      ),
  })
    .prefault({})
    .describe('What waits to be sent.');
}
