import { setTimeout } from 'node:timers/promises';
import { request } from 'undici';
import { countsOfPage } from '../../src/cli/demo/comparison.ts';
import type { ServerProcess } from '../server-process.ts';

/** What was sent to the gateway, to be held against what it has counted. */
export interface Ledger {
  /** @param underWay the most that were sent besides and not waited for. */
  add(requests: number, underWay: number): void;
  /** @throws if the gateway has counted anything else. */
  check(gateway: ServerProcess): Promise<void>;
}

/** Requests that were not waited for may need a moment to be over. */
const LOOK_MS = 100;
const LOOKS_MAX = 20;

/** A gateway that does not count would be quick, and worth nothing. */
export function createLedger(): Ledger {
  let sent = 0;
  let besides = 0;
  return {
    add: (requests, underWay) => {
      sent += requests;
      besides += underWay;
    },
    check: async ({ metricsUrl = '' }) => {
      for (let look = 1; ; look++) {
        await setTimeout(LOOK_MS);
        const page = await (await request(metricsUrl)).body.text();
        const { success, aborted, failure, rejected } = countsOfPage(page);
        if (failure + rejected === 0 && success >= sent && success + aborted <= sent + besides) return;
        if (look < LOOKS_MAX) continue;
        throw new Error(
          `the gateway was sent ${sent} requests, and up to ${besides} that were left, and counted ` +
            `${success} successes, ${aborted} aborted, ${failure} failures, ${rejected} rejected`,
        );
      }
    },
  };
}
