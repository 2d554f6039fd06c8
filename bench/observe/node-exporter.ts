import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { CaseOptions, Cases, ProbeCase } from '../case.ts';
import { processorMs } from '../proxy/processor-time.ts';
import { startScraper } from '../scrape/scraper.ts';
import { COLLECTORS, FLAGS, NODE_EXPORTER } from './node-exporter-flags.ts';
import { scrapesOf } from './pace.ts';

const LISTENS = /msg="Listening on" address=(\S+)/;

/** Debian's node_exporter, scraped as Prometheus scrapes it, by another process. */
export const cases: Cases = { host_page: scraped };

function scraped(options: CaseOptions): ProbeCase {
  return {
    probe: async () => {
      const child = spawn(NODE_EXPORTER, FLAGS, { stdio: ['ignore', 'ignore', 'pipe'] });
      // Whoever started this process may end it before its time.
      process.once('SIGTERM', () => process.exit(1)).once('exit', () => child.kill('SIGKILL'));
      await once(child, 'spawn');
      const url = `http://${await addressOf(createInterface(child.stderr))}/metrics`;
      await check(url);
      const scraper = await startScraper();
      const scrape = (scrapes: number) => scraper.scrape({ url, headers: {}, scrapes, everyMs: 0 });
      const { warmUp, counted } = scrapesOf(options);
      await scrape(warmUp);
      const pid = child.pid ?? 0;
      const beforeMs = processorMs(pid);
      await scrape(counted);
      const ms = (processorMs(pid) - beforeMs) / counted;
      scraper.close();
      child.kill();
      await once(child, 'exit');
      return { ms };
    },
  };
}

/** It chooses the port. */
async function addressOf(lines: AsyncIterable<string>): Promise<string> {
  let said = '';
  for await (const line of lines) {
    const [, address] = LISTENS.exec(line) ?? [];
    if (address !== undefined) return address;
    said += `${line}\n`;
  }
  throw new Error(`${NODE_EXPORTER} does not listen: ${said}`);
}

/** A collector that fails is quick, and worth nothing. */
async function check(url: string): Promise<void> {
  const page = await (await fetch(url)).text();
  for (const name of COLLECTORS) {
    if (!page.includes(`node_scrape_collector_success{collector="${name}"} 1\n`)) throw new Error(`its ${name} fails`);
  }
}
