import { credentials, Metadata, type ChannelCredentials } from '@grpc/grpc-js';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { readPems, type PemFiles } from '../http/pem.ts';

export interface DestinationOptions {
  readonly name: string;
  /** `http://` is plain text, `https://` is TLS. */
  readonly endpoint: string;
  readonly intervalMs: number;
  /** For one export. */
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: 'none' | 'gzip';
  readonly tls?: PemFiles;
}

/** How an export ended. The official exporter does not say whether trying again could help; retries come with the queue. */
export type ExportOutcome = { readonly status: 'sent' } | { readonly status: 'send_failed'; readonly error: Error };

/** One OTLP/gRPC endpoint. */
export interface Destination {
  export(resourceMetrics: ResourceMetrics): Promise<ExportOutcome>;
  shutdown(): Promise<void>;
}

/** @throws if a certificate or key cannot be read; the message names the file. */
export async function openDestination(options: DestinationOptions): Promise<Destination> {
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

async function credentialsOf({ name, endpoint, tls = {} }: DestinationOptions): Promise<ChannelCredentials> {
  if (!endpoint.startsWith('https://')) return credentials.createInsecure();
  const { ca, key, cert } = await readPems(`push ${name}`, tls);
  return credentials.createSsl(ca, key, cert);
}
