import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Snapshot } from '../../src/metric/model.ts';
import { decodeExportMetricsRequest } from '../../src/otlp/decode.ts';
import { interopProgram } from '../support/interop.ts';
import { freePort, startProcess } from '../support/processes.ts';

export interface ReceivingCollectorOptions {
  /** Of each receiver. */
  readonly ports: Readonly<Record<'grpc' | 'http', number>>;
  /** PEM. Who does not show a certificate of `ca` is not let in. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
  /** Of one request: more keys of a receiver, as the Collector spells them. */
  readonly limits?: {
    readonly grpc: Readonly<Record<string, unknown>>;
    readonly http: Readonly<Record<string, unknown>>;
  };
}

export interface ReceivingCollector {
  /** What it received, one element for each request, in the order of their arrival. */
  received(): Promise<Snapshot[][]>;
  stop(): Promise<void>;
}

/** Runs the real Collector with OTLP receivers, and a file that has every request as it came: nothing is batched in between. */
export async function startReceivingCollector(options: ReceivingCollectorOptions): Promise<ReceivingCollector> {
  const folder = await mkdtemp(join(tmpdir(), 'metergate-collector-'));
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const path = join(folder, 'requests.bin');
  const healthPort = await freePort();
  const configFile = join(folder, 'config.yaml');
  for (const [name, pem] of Object.entries(options.tls ?? {})) await writeFile(join(folder, `${name}.pem`), pem);
  // JSON is YAML.
  await writeFile(configFile, JSON.stringify(configOf(options, { folder, path, healthPort })));

  const server = await startProcess({
    command: interopProgram('otelcol'),
    args: ['--config', configFile],
    ready: { url: `http://127.0.0.1:${healthPort}/` },
  }).catch(async (error: unknown) => {
    await removeFolder();
    throw error;
  });
  return {
    received: async () =>
      framesOf(await readFile(path)).map((frame) => [...decodeExportMetricsRequest(frame).snapshots]),
    stop: async () => {
      await server.stop();
      await removeFolder();
    },
  };
}

function configOf(
  { ports, tls, limits }: ReceivingCollectorOptions,
  { folder, path, healthPort }: { folder: string; path: string; healthPort: number },
): unknown {
  const files = {
    cert_file: join(folder, 'cert.pem'),
    key_file: join(folder, 'key.pem'),
    client_ca_file: join(folder, 'ca.pem'),
  };
  const receiver = (port: number): object => ({ endpoint: `127.0.0.1:${port}`, ...(tls && { tls: files }) });
  return {
    receivers: {
      otlp: {
        protocols: {
          grpc: { ...receiver(ports.grpc), ...limits?.grpc },
          http: { ...receiver(ports.http), ...limits?.http },
        },
      },
    },
    // With rotation each request is written at once.
    exporters: { file: { path, format: 'proto', rotation: { max_megabytes: 256, max_backups: 1 } } },
    extensions: { health_check: { endpoint: `127.0.0.1:${healthPort}` } },
    service: {
      extensions: ['health_check'],
      telemetry: { metrics: { level: 'none' } },
      pipelines: { metrics: { receivers: ['otlp'], exporters: ['file'] } },
    },
  };
}

/** Each begins with its length. The last may still be on its way. */
function framesOf(file: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  let offset = 0;
  while (offset + 4 <= file.length) {
    const end = offset + 4 + file.readUInt32BE(offset);
    if (end > file.length) break;
    frames.push(file.subarray(offset + 4, end));
    offset = end;
  }
  return frames;
}
