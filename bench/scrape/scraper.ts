import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Order } from './scraper-process.ts';

/** Scrapes from a process of its own, so that its work is nobody else's. */
export interface Scraper {
  /** One after the other. @returns the bytes of the last page as they came. */
  scrape(order: Order): Promise<number>;
  close(): void;
}

const PROCESS = fileURLToPath(new URL('scraper-process.ts', import.meta.url));

export async function startScraper(): Promise<Scraper> {
  const child = fork(PROCESS, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
  const ended = once(child, 'exit').then(() => {
    throw new Error('the scraping process has ended');
  });
  ended.catch(() => {});
  const answered = async (): Promise<Answer> => {
    const [answer] = (await Promise.race([once(child, 'message'), ended])) as [Answer];
    return answer;
  };
  await answered();
  return {
    scrape: async (order) => {
      child.send(order);
      const answer = await answered();
      if ('error' in answer) throw new Error(answer.error);
      return answer.pageBytes;
    },
    close: () => child.disconnect(),
  };
}
