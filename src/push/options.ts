import type { PemFiles } from '../http/pem.ts';
import type { QueueOptions } from './queue/queue.ts';

/** One receiver of OTLP. Most of it is for the engine `native`; the official exporter takes what it knows. */
export interface DestinationOptions {
  readonly name: string;
  /** With the engine `sdk` always `grpc`. */
  readonly protocol: 'grpc' | 'http/protobuf';
  /** `http://` is plain text, `https://` is TLS. `grpc`: `http://host:port`; `http/protobuf`: the whole URL. */
  readonly endpoint: string;
  readonly intervalMs: number;
  /** For one attempt; with the engine `sdk` at most `intervalMs`. */
  readonly timeoutMs: number;
  /** Credentials, as a rule: never to be logged or shown. Keys are in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: 'none' | 'gzip';
  readonly temporality: 'cumulative' | 'delta' | 'low_memory';
  /** `http/protobuf` only: the URL of the proxy that it goes through. Credentials, maybe: never to be logged or shown. */
  readonly proxy?: string | undefined;
  /** With an https endpoint only. The files are not yet read. */
  readonly tls?: PemFiles | undefined;
  readonly metrics: MetricFilter;
  /** Of one request, not compressed. */
  readonly batchBytesMax: number;
  /** Attempts at one time in a lane: they are of one collection, so that no series overtakes itself. */
  readonly exportsMax: number;
  readonly queue: DestinationQueueOptions;
  readonly retry: RetryOptions;
}

/** Patterns of names, `*` for any characters and `?` for one. `included` not given = all. */
export interface MetricFilter {
  readonly included?: readonly string[] | undefined;
  readonly excluded: readonly string[];
}

export interface DestinationQueueOptions extends Pick<
  QueueOptions,
  'directory' | 'bytesMax' | 'batchesMax' | 'maxAgeMs' | 'fsync'
> {
  /** `newest_first`: what is collected now does not wait for what could not be sent before. */
  readonly order: 'oldest_first' | 'newest_first';
}

/** From one attempt to the next: twice as long each time, with jitter. */
export interface RetryOptions {
  readonly initialIntervalMs: number;
  readonly maxIntervalMs: number;
}
