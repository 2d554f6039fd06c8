import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { credentials, Metadata, type ChannelCredentials } from '@grpc/grpc-js';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { errorText } from '../std/error-text.ts';

export interface DestinationOptions {
  readonly name: string;
  /** `http://` is plain text, `https://` is TLS. */
  readonly endpoint: string;
  readonly intervalMs: number;
  /** For one export. */
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: 'none' | 'gzip';
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
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

async function credentialsOf({ name, endpoint, tls }: DestinationOptions): Promise<ChannelCredentials> {
  if (!endpoint.startsWith('https://')) return credentials.createInsecure();
  const read = (key: string, file: string | undefined, check: (pem: Buffer) => unknown): Promise<Buffer | null> =>
    file === undefined ? Promise.resolve(null) : readPem({ where: `push ${name}: tls.${key}`, file, check });
  const [ca, key, cert] = await Promise.all([
    read('ca_file', tls?.caFile, (pem) => new X509Certificate(pem)),
    read('key_file', tls?.keyFile, createPrivateKey),
    read('cert_file', tls?.certFile, (pem) => new X509Certificate(pem)),
  ]);
  return credentials.createSsl(ca, key, cert);
}

interface PemFile {
  /** What to call it in an error. */
  readonly where: string;
  readonly file: string;
  /** Throws if it is not what it should be; the gRPC library would find out with the first export, or never. */
  readonly check: (pem: Buffer) => unknown;
}

async function readPem({ where, file, check }: PemFile): Promise<Buffer> {
  try {
    const pem = await readFile(file);
    check(pem);
    return pem;
  } catch (error) {
    const reason = error instanceof Error ? error.message : errorText(error);
    throw new Error(`${where} ${file} cannot be used: ${reason}`, { cause: error });
  }
}
