import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { createTransport } from '../../../src/push/transports/index.ts';
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
}

/** A transport and the sink that it sends to, for as long as the test runs. */
export async function startSending(
  t: TestContext,
  protocol: Protocol,
  { sink: sinkOptions, ...options }: SendingOptions = {},
): Promise<Sending> {
  const sink = await startOtlpSink({ protocol, ...sinkOptions });
  const transport = createTransport(protocol, {
    endpoint: sink.url,
    timeoutMs: 5_000,
    headers: {},
    compression: 'none',
    tls: {},
    userAgent: 'metergate/test',
    ...options,
  });
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
