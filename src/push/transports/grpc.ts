import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import {
  Client,
  compressionAlgorithms,
  connectivityState,
  credentials,
  Metadata,
  status,
  type ClientOptions,
  type ServiceError,
} from '@grpc/grpc-js';
import { CANCELLED } from './failures.ts';
import { grpcErrorOutcome, isMadeUp, RECEIVE_BYTES_MAX } from './grpc-error.ts';
import { createTextCleaner } from './receiver-text.ts';
import { acceptance } from './response.ts';
import type { SendOutcome, Transport, TransportOptions } from './transport.ts';

const EXPORT = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';

/** In a row; then a new connection is tried: it may be this one that leads nowhere. Twice as many each time. */
const TIMEOUTS_MAX = 5;
/** By then with the defaults some three hours are between two of them. */
const TIMEOUTS_BETWEEN_MAX = 320;

/**
 * OTLP/gRPC, on the client of grpc-js itself: the official exporter's transport cannot be cancelled, and after an outage does not try
 * to connect for up to two minutes, whatever we would retry.
 *
 * Known limit: the library has no timeout for connecting. A receiver that takes the connection and then says nothing (a frozen process,
 * a TLS handshake that stalls) is tried on a new connection after 5 timeouts, then 10, 20 and so on, and the old one stays open until the
 * other side ends it: some ten in the first day of an outage, and eight in each later one.
 *
 * Source: https://opentelemetry.io/docs/specs/otlp/#otlpgrpc
 */
export function createGrpcTransport(options: TransportOptions): Transport {
  const { headers, timeoutMs } = options;
  const openClient = clientOpener(options);
  const metadata = metadataOf(headers);
  const clean = createTextCleaner(headers);
  const closing = new AbortController();
  let client = openClient();
  let timeoutsInARow = 0;
  let timeoutsMax = TIMEOUTS_MAX;
  let isBroken = false;

  const renewWhereItIsStuck = (): void => {
    // A channel that could not connect says so again, at once, until its own back-off is over; a new one tries.
    const isUnconnected = client.getChannel().getConnectivityState(false) === connectivityState.TRANSIENT_FAILURE;
    const isStuck = timeoutsInARow >= timeoutsMax;
    if (!isUnconnected && !isBroken && !isStuck) return;
    if (isStuck) timeoutsMax = Math.min(2 * timeoutsMax, TIMEOUTS_BETWEEN_MAX);
    [timeoutsInARow, isBroken] = [0, false];
    client.close();
    client = openClient();
  };

  const call = (payload: Uint8Array, signal: AbortSignal): Promise<SendOutcome> =>
    new Promise((resolve) => {
      const isGivenUp = (): boolean => signal.aborted || closing.signal.aborted;
      const signals = [signal, closing.signal];
      let head: Metadata | undefined;
      const message = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
      const deadline = Date.now() + timeoutMs;
      const onAnswer = (error: ServiceError | null, answer?: Buffer): void => {
        for (const each of signals) each.removeEventListener('abort', giveUp);
        // After a violation of the protocol the library goes on with the session that it destroyed.
        isBroken ||= error?.code === status.INTERNAL && isMadeUp(error);
        if (!error) resolve(acceptance(answer, clean));
        else resolve(isGivenUp() ? CANCELLED : grpcErrorOutcome(error, { head, options, clean }));
      };
      const running = client.makeUnaryRequest(EXPORT, asItIs, asItIs, message, metadata, { deadline }, onAnswer);
      const giveUp = (): void => running.cancel();
      for (const each of signals) each.addEventListener('abort', giveUp, { once: true });
      running.on('metadata', (fields) => (head = fields));
    });

  return {
    send: async (payload, signal) => {
      if (signal.aborted || closing.signal.aborted) return CANCELLED;
      renewWhereItIsStuck();
      const outcome = await call(payload, signal);
      const isTimeout = outcome.status === 'retryable' && outcome.code === 'DEADLINE_EXCEEDED';
      timeoutsInARow = isTimeout ? timeoutsInARow + 1 : 0;
      if (!isTimeout) timeoutsMax = TIMEOUTS_MAX;
      return outcome;
    },
    close: () => {
      closing.abort();
      client.close();
      return Promise.resolve();
    },
  };
}

function asItIs(message: Buffer): Buffer {
  return message;
}

function clientOpener({ endpoint, compression, tls, userAgent }: TransportOptions): () => Client {
  const { protocol, hostname, port } = new URL(endpoint);
  const isTls = protocol === 'https:';
  const address = hostname.replace(/^\[(.+)\]$/, '$1');
  const isAddress = isTls && isIP(address) !== 0;
  // Left out by `URL` where it is the one of the scheme; the library would take 443.
  const target = `${hostname}:${port || (isTls ? '443' : '80')}`;
  const channelCredentials = isTls
    ? credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null, {
        ...(isAddress && { checkServerIdentity: (_name, certificate) => checkServerIdentity(address, certificate) }),
      })
    : credentials.createInsecure();
  const channelOptions: ClientOptions = {
    'grpc.primary_user_agent': userAgent,
    'grpc.max_receive_message_length': RECEIVE_BYTES_MAX,
    // Another client's connection may be the broken one.
    'grpc.use_local_subchannel_pool': 1,
    // A connection whose other end is gone without a word. Not oftener: receivers on grpc-go take it for abuse.
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    // Who writes the DNS is not who says how exports are retried.
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_channelz': 0,
    // Of a proxy that refuses a tunnel the library (1.14) neither closes the connection nor hears the error, which then ends the process.
    'grpc.enable_http_proxy': 0,
    // It would ask the server for the certificate of an address, and Node.js 26 does not let it: only names can be asked for (RFC 6066).
    ...(isAddress && { 'grpc.ssl_target_name_override': 'address.invalid' }),
    ...(compression === 'gzip' && { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip }),
  };
  return () => new Client(target, channelCredentials, channelOptions);
}

/** @throws if gRPC cannot send a header. */
function metadataOf(headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}
