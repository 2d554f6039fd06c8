import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProcess, type RunningProcess } from './processes.ts';

export interface RunningGateway {
  readonly process: RunningProcess;
  readonly urls: { readonly inference: string; readonly management: string; readonly metrics: string };
  /** Sends SIGTERM, waits for the end, removes the configuration. */
  stop(): ReturnType<RunningProcess['stop']>;
}

/** The log line that says where it listens. */
const SERVING = /^\{.*"msg":"serving".*\}$/m;
const bin = join(import.meta.dirname, '../../bin/metergate.js');

/**
 * The gateway as users run it: a process of its own, with a configuration file, listening on free ports.
 *
 * @param config what stands in the file besides `listen`.
 * @param nodeArgs arguments of Node.js itself.
 */
export async function startGateway(
  config: Readonly<Record<string, unknown>>,
  nodeArgs: readonly string[] = [],
): Promise<RunningGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'metergate-'));
  const file = join(folder, 'metergate.yaml');
  const anyPort = { inference: '127.0.0.1:0', management: '127.0.0.1:0', metrics: '127.0.0.1:0' };
  // JSON is YAML.
  await writeFile(file, JSON.stringify({ ...config, listen: anyPort }));
  const gateway = await startProcess({
    command: process.execPath,
    args: [...nodeArgs, bin, 'serve', '--config', file],
    ready: { line: SERVING },
  });
  return {
    process: gateway,
    urls: JSON.parse(SERVING.exec(gateway.stderr())?.[0] ?? '') as RunningGateway['urls'],
    stop: async () => {
      const exit = await gateway.stop({ killAfterMs: 40_000 });
      await rm(folder, { recursive: true, force: true });
      return exit;
    },
  };
}
