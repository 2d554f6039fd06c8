import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { interopProgram } from './interop.ts';
import type { MetricsData } from './otlp-json.ts';
import { freePort, startProcess } from './processes.ts';

export interface Collector {
  /** For an OTLP/gRPC exporter. */
  readonly grpcUrl: string;
  /** `host:port` of its Prometheus exporter, a scrape target. */
  readonly prometheusAddress: string;
  /** The page of its Prometheus exporter. */
  readonly prometheusUrl: string;
  /** What its file exporter wrote so far, one element per export; none before the first. */
  fileMetrics(): Promise<MetricsData[]>;
  /** Flushes on the way out; `fileMetrics` may not be called any more. */
  stop(): Promise<void>;
}

/** Runs the real Collector with `otel-collector/config.yaml` on free ports of 127.0.0.1 and a file in a folder that `stop` removes. */
export async function startCollector(): Promise<Collector> {
  const command = interopProgram('otelcol');
  const folder = await mkdtemp(join(tmpdir(), 'metergate-collector-'));
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const metricsFile = join(folder, 'metrics.jsonl');
  const [grpc, prometheus, health] = await Promise.all([freePort(), freePort(), freePort()]);

  const server = await startProcess({
    command,
    args: ['--config', fileURLToPath(new URL('../../otel-collector/config.yaml', import.meta.url))],
    env: {
      OTLP_GRPC_ENDPOINT: `127.0.0.1:${grpc}`,
      PROMETHEUS_ENDPOINT: `127.0.0.1:${prometheus}`,
      HEALTH_CHECK_ENDPOINT: `127.0.0.1:${health}`,
      METRICS_FILE: metricsFile,
    },
    ready: { url: `http://127.0.0.1:${health}/` },
  }).catch(async (error: unknown) => {
    await removeFolder();
    throw error;
  });

  return {
    grpcUrl: `http://127.0.0.1:${grpc}`,
    prometheusAddress: `127.0.0.1:${prometheus}`,
    prometheusUrl: `http://127.0.0.1:${prometheus}/metrics`,
    fileMetrics: () => readLines(metricsFile),
    stop: async () => {
      await server.stop();
      await removeFolder();
    },
  };
}

async function readLines(path: string): Promise<MetricsData[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    // The exporter opens the file with its first export.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  });
  // The last line may still be on its way.
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as MetricsData);
}
