import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { createTransport } from '../../../src/push/transports/index.ts';
import type { Renewal } from '../../../src/push/transports/renewed-transport.ts';
import type { SendOutcome, TransportOptions } from '../../../src/push/transports/transport.ts';
import { startOtlpSink, type OtlpSink, type OtlpSinkOptions } from '../../support/otlp-sink.ts';

export type Protocol = 'grpc' | 'http/protobuf';

export const protocols: readonly Protocol[] = ['grpc', 'http/protobuf'];

export interface Sending {
  readonly sink: OtlpSink;
  /** @param payload some bytes, if not given; the sink does not care. */
  readonly send: (payload?: Uint8Array, signal?: AbortSignal) => Promise<SendOutcome>;
  readonly close: () => Promise<void>;
}

export interface SendingOptions extends Partial<TransportOptions> {
  readonly sink?: Omit<OtlpSinkOptions, 'protocol'>;
  readonly renewal?: Renewal;
}

/** A transport and the sink that it sends to, for as long as the test runs. */
export async function startSending(
  t: TestContext,
  protocol: Protocol,
  { sink: sinkOptions, renewal, ...options }: SendingOptions = {},
): Promise<Sending> {
  const sink = await startOtlpSink({ protocol, ...sinkOptions });
  const given: TransportOptions = {
    endpoint: sink.url,
    timeoutMs: 5_000,
    headers: {},
    compression: 'none',
    tls: {},
    userAgent: 'metergate/test',
    ...options,
  };
  const transport = createTransport(protocol, given, renewal);
  t.after(async () => {
    await transport.close();
    await sink.close();
  });
  return {
    sink,
    send: (payload = randomBytes(100), signal = new AbortController().signal) => transport.send(payload, signal),
    close: () => transport.close(),
  };
}
