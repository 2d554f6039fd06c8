import { Agent } from 'node:http';
import { outcomes, type Outcome } from '../../serving/proxy/outcome.ts';
import { errorText } from '../../std/error-text.ts';
import { send, type RequestKind } from './requests.ts';

export type Counts = Record<Outcome, number>;

/** What was sent, by what came of it. */
export interface Ledger {
  readonly counts: Counts;
  /** Requests that got no answer at all; there should be none. */
  readonly unanswered: string[];
}

export interface Load {
  readonly ledger: Ledger;
  /** Sends the kinds in turn, `concurrency` at a time, until told to stop; all of them have ended when it resolves. */
  mixed(kinds: readonly RequestKind[], options: { concurrency: number; until: () => boolean }): Promise<void>;
  /** Sends all at once. */
  burst(kind: RequestKind, count: number): Promise<void>;
  close(): void;
}

export function zeroCounts(): Counts {
  return Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as Counts;
}

/** @param url of the gateway's inference listener. */
export function createLoad(url: string): Load {
  const agent = new Agent({ keepAlive: true });
  const ledger: Ledger = { counts: zeroCounts(), unanswered: [] };

  const sendOne = async (kind: RequestKind): Promise<void> => {
    try {
      ledger.counts[await send(kind, { url, agent })]++;
    } catch (error) {
      ledger.unanswered.push(`${kind.path}: ${errorText(error)}`);
    }
  };

  return {
    ledger,
    mixed: async (kinds, { concurrency, until }) => {
      let next = 0;
      const worker = async (): Promise<void> => {
        while (!until()) {
          const kind = kinds[next++ % kinds.length];
          if (kind !== undefined) await sendOne(kind);
        }
      };
      await Promise.all(Array.from({ length: concurrency }, worker));
    },
    burst: async (kind, count) => {
      await Promise.all(Array.from({ length: count }, () => sendOne(kind)));
    },
    close: () => agent.destroy(),
  };
}
