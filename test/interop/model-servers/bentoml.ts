import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../support/processes.ts';
import { startPythonServer } from '../../support/python-servers.ts';

export interface Bentoml {
  readonly url: string;
  /** Its own metrics. */
  metrics(): Promise<string>;
  stop(): Promise<void>;
}

/** Serves bento.py. */
export async function startBentoml(): Promise<Bentoml> {
  const folder = await mkdtemp(join(tmpdir(), 'metergate-bentoml-'));
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  try {
    // What is compiled lies beside it, and not in the repo.
    await copyFile(join(import.meta.dirname, 'bento.py'), join(folder, 'bento.py'));
    const server = await startPythonServer({
      server: 'bentoml',
      args: ['-m', 'bentoml', 'serve', 'bento:Letters', '--host', '127.0.0.1', '--port', String(port)],
      cwd: folder,
      env: { BENTOML_HOME: join(folder, 'home') },
      readyUrl: `${url}/readyz`,
    });
    return {
      url,
      metrics: async () => (await fetch(`${url}/metrics`)).text(),
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
