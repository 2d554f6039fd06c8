import { Agent } from 'node:http';
import { Pool, type Dispatcher } from 'undici';
import { zeroCounts, type Counts } from '../../src/cli/demo/load.ts';
import { send } from '../../src/cli/demo/requests.ts';
import { errorText } from '../../src/std/error-text.ts';
import { thousand, type SoakKind } from './kinds.ts';

export interface SoakLoad {
  /** What was sent, by what came of it. */
  readonly counts: Counts;
  /** Sentences about requests that came to another end than their kind says, and how many there were of each. */
  readonly faults: ReadonlyMap<string, number>;
  /** All of them are over when it resolves. */
  send(requests: number): Promise<void>;
  close(): Promise<void>;
}

const CONCURRENCY = 64;

/** @param url of the gateway's inference listener. */
export function createSoakLoad(url: string): SoakLoad {
  const pool = new Pool(url, { connections: CONCURRENCY });
  const agent = new Agent();
  const counts = zeroCounts();
  const faults = new Map<string, number>();
  let next = 0;

  const sendOne = async (kind: SoakKind): Promise<void> => {
    try {
      if (kind.leave === undefined) await ask(pool, kind);
      else if ((await send(kind, { url, agent })) !== kind.outcome) throw new Error(`${kind.path} could not be left`);
      counts[kind.outcome]++;
    } catch (error) {
      const fault = errorText(error);
      faults.set(fault, (faults.get(fault) ?? 0) + 1);
    }
  };
  return {
    counts,
    faults,
    send: async (requests) => {
      const end = next + requests;
      const worker = async (): Promise<void> => {
        while (next < end) {
          const kind = thousand[next++ % thousand.length];
          if (kind !== undefined) await sendOne(kind);
        }
      };
      await Promise.all(Array.from({ length: CONCURRENCY }, worker));
    },
    close: () => pool.close(),
  };
}

/** `Pool.request` would make a stream of each answer. */
function ask(pool: Pool, { path, body, status }: SoakKind): Promise<void> {
  return new Promise((resolve, reject) => {
    let answered = 0;
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: () => {},
      onResponseStart: (_controller, statusCode) => void (answered = statusCode),
      onResponseData: () => {},
      onResponseEnd: () => {
        if (answered === status) resolve();
        else reject(new Error(`${path} was answered with ${answered}, not ${status}`));
      },
      onResponseError: (_controller, error) => reject(error),
    };
    pool.dispatch({ path, method: 'POST', headers: { 'content-type': 'application/json' }, body }, handler);
  });
}
