import { credentials, Metadata, type ChannelCredentials } from '@grpc/grpc-js';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { readPems } from '../../http/pem.ts';
import type { DestinationOptions } from '../options.ts';

export type ExporterOptions = Pick<
  DestinationOptions,
  'name' | 'endpoint' | 'intervalMs' | 'timeoutMs' | 'headers' | 'compression' | 'tls'
>;

/** How an export ended. The official exporter does not say whether trying again could help. */
export type ExportOutcome = { readonly status: 'sent' } | { readonly status: 'send_failed'; readonly error: Error };

/** One OTLP/gRPC endpoint. */
export interface Exporter {
  export(resourceMetrics: ResourceMetrics): Promise<ExportOutcome>;
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
  return {
    export: (resourceMetrics) =>
      new Promise((resolve) => exporter.export(resourceMetrics, (result) => resolve(outcomeOf(result)))),
    shutdown: () => exporter.shutdown(),
  };
}

function outcomeOf({ code, error }: ExportResult): ExportOutcome {
  if (code === ExportResultCode.SUCCESS) return { status: 'sent' };
  return { status: 'send_failed', error: error ?? new Error('the exporter gave no reason') };
}

async function credentialsOf({ name, endpoint, tls = {} }: ExporterOptions): Promise<ChannelCredentials> {
  if (!endpoint.startsWith('https://')) return credentials.createInsecure();
  const { ca, key, cert } = await readPems(`push ${name}`, tls);
  return credentials.createSsl(ca, key, cert);
}
