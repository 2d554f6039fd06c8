import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type RunningProcess } from '../../support/processes.ts';
import { runPython, startPythonServer } from '../../support/python-servers.ts';

export interface Mlflow {
  readonly url: string;
  /** What it wrote so far. */
  wrote(): string;
  stop(): Promise<void>;
}

/** `mlflow models serve` with Iris. */
export function startModels(): Promise<Mlflow> {
  return start('/ping', async (folder, address) => {
    const model = join(folder, 'iris');
    await runPython('mlflow', [join(import.meta.dirname, 'train_iris.py'), 'mlflow', model]);
    return { args: ['models', 'serve', '--model-uri', model, '--env-manager', 'local', ...address] };
  });
}

/** `mlflow server` with metrics, of two processes, which count together. */
export function startTracking(): Promise<Mlflow> {
  return start('/health', (folder, address) => {
    const stores = [
      '--backend-store-uri',
      `sqlite:///${folder}/mlflow.db`,
      '--artifacts-destination',
      `${folder}/artifacts`,
    ];
    return Promise.resolve({
      args: ['server', ...stores, '--expose-prometheus', join(folder, 'metrics'), '--workers', '2', ...address],
      // Another process, which needs packages of its own.
      env: { MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false' },
    });
  });
}

interface Command {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

async function start(
  readyPath: string,
  commandIn: (folder: string, address: readonly string[]) => Promise<Command>,
): Promise<Mlflow> {
  const folder = await mkdtemp(join(tmpdir(), 'metergate-mlflow-'));
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let server: RunningProcess;
  try {
    const { args, env } = await commandIn(folder, ['--host', '127.0.0.1', '--port', String(port)]);
    server = await startPythonServer({
      ...{ server: 'mlflow', args: ['-m', 'mlflow', ...args], cwd: folder, readyUrl: `${url}${readyPath}` },
      ...(env && { env }),
    });
  } catch (error) {
    await removeFolder();
    throw error;
  }
  return {
    url,
    wrote: () => server.stdout() + server.stderr(),
    stop: async () => {
      await server.stop();
      await removeFolder();
    },
  };
}
