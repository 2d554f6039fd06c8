import { join } from 'node:path';
import type * as z from 'zod';
import type { DestinationOptions, DestinationQueueOptions } from '../push/options.ts';
import { proxyVariable } from './proxy-variables.ts';
import type { push } from './push-schema.ts';
import { defaultQueueSize } from './queue-checks.ts';
import { toTls } from './to-tls.ts';
import { readDestination, readSize } from './values.ts';

type Parsed = z.output<ReturnType<typeof push>>[number];

const TIMEOUT_MS = 10_000;

export function toPush(
  parsed: Parsed,
  engine: 'native' | 'sdk',
  env: Readonly<Record<string, string | undefined>>,
): DestinationOptions {
  const { interval, timeout, temporality_preference, max_batch_size, max_concurrent_exports, retry, tls, ...same } =
    parsed;
  // The checks have seen that both can be read.
  const endpoint = readDestination(parsed.endpoint, parsed.protocol) ?? parsed.endpoint;
  const proxy = parsed.protocol === 'http/protobuf' ? proxyVariable(endpoint, env)?.url : undefined;
  return {
    ...same,
    endpoint,
    intervalMs: interval,
    timeoutMs: timeout ?? (engine === 'sdk' ? Math.min(TIMEOUT_MS, interval) : TIMEOUT_MS),
    temporality: temporality_preference,
    batchBytesMax: max_batch_size,
    exportsMax: max_concurrent_exports,
    queue: toQueue(parsed),
    retry: { initialIntervalMs: retry.initial_interval, maxIntervalMs: retry.max_interval },
    ...(proxy !== undefined && { proxy }),
    ...(tls && { tls: toTls(tls) }),
  };
}

/** Each destination has a folder of its own below the directory, which they may share. */
function toQueue({
  name,
  queue: { directory, max_size, max_batches, max_age, ...same },
}: Parsed): DestinationQueueOptions {
  return {
    ...same,
    ...(directory !== undefined && { directory: join(directory, name) }),
    bytesMax: max_size ?? readSize(defaultQueueSize(directory)) ?? 0,
    batchesMax: max_batches,
    ...(max_age !== undefined && { maxAgeMs: max_age }),
  };
}
