import { credentials, Metadata, type ChannelCredentials, type ServiceError } from '@grpc/grpc-js';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { readPems } from '../../http/pem.ts';
import type { DestinationOptions } from '../options.ts';
import type { AttemptOutcome } from '../records.ts';
import { grpcFailure, noAnswer } from '../transports/failures.ts';
import { createTextCleaner, type TextCleaner } from '../transports/receiver-text.ts';

export type ExporterOptions = Pick<
  DestinationOptions,
  'name' | 'endpoint' | 'intervalMs' | 'timeoutMs' | 'headers' | 'compression' | 'tls'
>;

/** One OTLP/gRPC endpoint. */
export interface Exporter {
  export(resourceMetrics: ResourceMetrics): Promise<AttemptOutcome>;
  shutdown(): Promise<void>;
}

/** @throws if a certificate or key cannot be read; the message names the file. */
export async function openExporter(options: ExporterOptions): Promise<Exporter> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(options.headers)) metadata.set(name, value);
  const exporter = new OTLPMetricExporter({
    url: options.endpoint,
    timeoutMillis: options.timeoutMs,
    compression: options.compression === 'gzip' ? CompressionAlgorithm.GZIP : CompressionAlgorithm.NONE,
    metadata,
    credentials: await credentialsOf(options),
  });
  const clean = createTextCleaner(options.headers);
  return {
    export: (resourceMetrics) =>
      new Promise((resolve) => exporter.export(resourceMetrics, (result) => resolve(outcomeOf(result, clean)))),
    shutdown: () => exporter.shutdown(),
  };
}

function outcomeOf({ code, error }: ExportResult, clean: TextCleaner): AttemptOutcome {
  if (code === ExportResultCode.SUCCESS) return { status: 'sent', rejectedPoints: 0, message: '' };
  const { code: status, details, message = 'the exporter gave no reason' } = (error ?? {}) as Partial<ServiceError>;
  const said = clean(details ?? message);
  const failure = typeof status === 'number' ? grpcFailure(status, { message: said }) : noAnswer(status, said);
  return { ...failure, status: 'send_failed' };
}

async function credentialsOf({ name, endpoint, tls = {} }: ExporterOptions): Promise<ChannelCredentials> {
  if (!endpoint.startsWith('https://')) return credentials.createInsecure();
  const { ca, key, cert } = await readPems(`push ${name}`, tls);
  return credentials.createSsl(ca, key, cert);
}
