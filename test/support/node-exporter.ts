import { readPage, type Sample } from '../exposition/read-page.ts';
import { interopProgram } from './interop.ts';
import { freePort, startProcess } from './processes.ts';

export interface NodeExporter {
  readonly url: string;
  scrape(): Promise<readonly Sample[]>;
  stop(): Promise<void>;
}

/** Debian's prometheus-node-exporter (1.5) on a free port of the loopback. @param flags besides those that say where. */
export async function startNodeExporter(flags: readonly string[]): Promise<NodeExporter> {
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}/metrics`;
  const process = await startProcess({
    command: interopProgram('nodeExporter'),
    args: [`--web.listen-address=${address}`, '--path.rootfs=/', '--log.level=error', ...flags],
    ready: { url: `http://${address}/` },
  });
  return {
    url,
    scrape: async () => readPage(await (await fetch(url)).text()).samples,
    stop: async () => {
      await process.stop();
    },
  };
}
