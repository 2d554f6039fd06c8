import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../support/processes.ts';
import { runPython, startPythonServer } from '../../support/python-servers.ts';

export interface Mlserver {
  readonly url: string;
  /** Its own metrics. */
  metrics(): Promise<string>;
  /** Exceptions that nothing caught. */
  readonly uncaught: () => number;
  stop(): Promise<void>;
}

/** Iris in two versions, and a model of ours, which streams and fails when it is asked to. */
const MODELS = {
  'iris-1': {
    name: 'iris',
    implementation: 'mlserver_sklearn.SKLearnModel',
    parameters: { uri: '../iris.joblib', version: 'v1' },
  },
  'iris-2': {
    name: 'iris',
    implementation: 'mlserver_sklearn.SKLearnModel',
    parameters: { uri: '../iris.joblib', version: 'v2' },
  },
  letters: { name: 'letters', implementation: 'letters.Letters' },
};

/** @param options.workers that predict, beside the process that serves; MLServer's own default is 1. It streams without only. */
export async function startMlserver({ workers }: { readonly workers: number }): Promise<Mlserver> {
  const folder = await mkdtemp(join(tmpdir(), 'metergate-mlserver-'));
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const [httpPort, grpcPort, metricsPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const url = `http://127.0.0.1:${httpPort}`;
  try {
    await runPython('mlserver', [join(import.meta.dirname, 'train_iris.py'), 'joblib', join(folder, 'iris.joblib')]);
    for (const [name, settings] of Object.entries(MODELS)) {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, 'model-settings.json'), JSON.stringify(settings));
    }
    await copyFile(join(import.meta.dirname, 'letters.py'), join(folder, 'letters', 'letters.py'));
    const settings = {
      ...{ host: '127.0.0.1', http_port: httpPort, grpc_port: grpcPort, metrics_port: metricsPort },
      parallel_workers: workers,
    };
    await writeFile(join(folder, 'settings.json'), JSON.stringify(settings));
    const server = await startPythonServer({
      server: 'mlserver',
      args: ['-c', 'from mlserver.cli import main; main()', 'start', '.'],
      cwd: folder,
      readyUrl: `${url}/v2/health/ready`,
    });
    return {
      url,
      metrics: async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text(),
      uncaught: () => (server.stdout() + server.stderr()).split('Exception in ASGI application').length - 1,
      stop: async () => {
        await server.stop();
        await removeFolder();
      },
    };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}
