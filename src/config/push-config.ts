import type { TlsConfig } from './tls-config.ts';

/** One destination. */
export interface PushConfig {
  readonly name: string;
  /** With `engine: sdk` always `grpc`. */
  readonly protocol: 'grpc' | 'http/protobuf';
  /** `http://` is plain text, `https://` is TLS. `grpc`: host and port, nothing behind them; `http/protobuf`: the URL that is posted to. */
  readonly endpoint: string;
  readonly intervalMs: number;
  /** For one attempt; with `engine: sdk` at most `intervalMs`. */
  readonly timeoutMs: number;
  /** Credentials, as a rule: never to be logged or shown. Keys are in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: 'none' | 'gzip';
  readonly temporality: 'cumulative' | 'delta' | 'low_memory';
  /** With an https endpoint only. The files are not yet read. */
  readonly tls?: TlsConfig;
  /** Patterns of OpenTelemetry names, with `*` and `?`. `included` is not there = all. */
  readonly metrics: { readonly included?: readonly string[] | undefined; readonly excluded: readonly string[] };
  /** Of one request, not compressed. */
  readonly batchBytesMax: number;
  /** At one time. */
  readonly exportsMax: number;
  readonly queue: PushQueueConfig;
  /** The first is not longer than the other. */
  readonly retry: { readonly initialIntervalMs: number; readonly maxIntervalMs: number };
}

export interface PushQueueConfig {
  /** Of this destination alone, and of no other one, whatever the case of letters; relative to where the gateway was started. Not there = in memory. */
  readonly directory?: string;
  /** At least twice `batchBytesMax`. */
  readonly bytesMax: number;
  readonly batchesMax: number;
  /** Not there = however old. */
  readonly maxAgeMs?: number;
  readonly order: 'oldest_first' | 'newest_first';
  readonly fsync: 'every_batch' | 'every_second' | 'never';
}
