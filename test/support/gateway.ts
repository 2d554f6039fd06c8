import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startProcess, type RunningProcess } from './processes.ts';

export interface RunningGateway {
  readonly process: RunningProcess;
  readonly urls: { readonly inference: string; readonly management: string; readonly metrics: string };
  /** Sends SIGTERM, waits for the end, removes the configuration. */
  stop(): ReturnType<RunningProcess['stop']>;
}

const bin = join(import.meta.dirname, '../../bin/metergate.js');

/**
 * The gateway as users run it: a process of its own, with a configuration file, listening on free ports.
 *
 * @param config what stands in the file besides `listen`.
 */
export async function startGateway(config: Readonly<Record<string, unknown>>): Promise<RunningGateway> {
  const [inference, management, metrics] = [await freePort(), await freePort(), await freePort()].map(
    (port) => `127.0.0.1:${port}`,
  ) as [string, string, string];
  const folder = await mkdtemp(join(tmpdir(), 'metergate-'));
  const file = join(folder, 'metergate.yaml');
  // JSON is YAML.
  await writeFile(file, JSON.stringify({ ...config, listen: { inference, management, metrics } }));
  const gateway = await startProcess({
    command: process.execPath,
    args: [bin, 'serve', '--config', file],
    ready: { url: `http://${management}/-/ready` },
  });
  return {
    process: gateway,
    urls: { inference: `http://${inference}`, management: `http://${management}`, metrics: `http://${metrics}` },
    stop: async () => {
      const exit = await gateway.stop({ killAfterMs: 40_000 });
      await rm(folder, { recursive: true, force: true });
      return exit;
    },
  };
}
