/**
 * How one attempt to send a batch ended. Whether trying again can help is decided here once, by the rules of OTLP.
 *
 * Source: https://opentelemetry.io/docs/specs/otlp/
 */
export type SendOutcome =
  /** `rejectedPoints` of a partial success; `message` is the receiver's, empty = none. */
  | { readonly status: 'sent'; readonly rejectedPoints: number; readonly message: string }
  /** `retryAfterMs` is what the receiver asked for. */
  | (Failure & { readonly status: 'retryable'; readonly retryAfterMs?: number })
  /** The receiver takes smaller ones. */
  | (Failure & { readonly status: 'too_large' })
  | (Failure & { readonly status: 'permanent' });

export interface Failure {
  /** From a closed set: a name of a gRPC status (`UNAVAILABLE`), an HTTP status (`503`), or a code of Node.js (`ECONNREFUSED`). */
  readonly code: string;
  /** For a log; of bounded length. No credentials. */
  readonly message: string;
}

/** A connection to one receiver, opened when it is needed. Any number of calls at a time. */
export interface Transport {
  /**
   * Sends one `ExportMetricsServiceRequest`. Never throws.
   *
   * @param signal gives up; the outcome is then retryable, with the code `CANCELLED`.
   */
  send(payload: Uint8Array, signal: AbortSignal): Promise<SendOutcome>;
  /** Ends what is under way, and closes every connection. Idempotent. */
  close(): Promise<void>;
}

export interface TransportOptions {
  /** `grpc`: `http://host:port` or `https://host:port`. `http/protobuf`: the whole URL of the signal. */
  readonly endpoint: string;
  /** For one attempt. */
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: 'none' | 'gzip';
  /** `http/protobuf` only: the URL of the proxy that it goes through, with the credentials for it. */
  readonly proxy?: string | undefined;
  readonly tls: Tls;
  /** Of metergate. */
  readonly userAgent: string;
}

/** PEM; nothing = what Node.js trusts, and no client certificate. */
export interface Tls {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}
