import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { setTimeout } from 'node:timers/promises';

/** What this process is asked for by message. */
export interface Order {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly scrapes: number;
  /** From the beginning of one to that of the next; 0 = as soon as the one before is there. */
  readonly everyMs: number;
}

/** What it answers. */
export type Answer = { readonly pageBytes: number } | { readonly error: string };

/** As Prometheus, which keeps its connection. */
const agent = new Agent({ keepAlive: true });

process.on('message', (order: Order) => {
  scrapeAll(order).then(
    (pageBytes) => answer({ pageBytes }),
    (error: unknown) => answer({ error: String(error) }),
  );
});
process.on('disconnect', () => agent.destroy());
answer({ pageBytes: 0 }); // It is there.

function answer(given: Answer): void {
  process.send?.(given);
}

async function scrapeAll({ url, headers, scrapes, everyMs }: Order): Promise<number> {
  const beginMs = performance.now();
  let bytes = 0;
  for (let i = 0; i < scrapes; i++) {
    if (everyMs > 0) await setTimeout(Math.max(0, beginMs + i * everyMs - performance.now()));
    bytes = await scrapeOnce(url, headers);
  }
  return bytes;
}

async function scrapeOnce(url: string, headers: Order['headers']): Promise<number> {
  const asked = request(url, { agent, headers });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}`);
  const wanted = headers['accept-encoding'] ?? 'identity';
  const coding = response.headers['content-encoding'] ?? 'identity';
  if (coding !== wanted) throw new Error(`${url} came as ${coding}, not as ${wanted}`);
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) bytes += chunk.length;
  return bytes;
}
