import { setTimeout } from 'node:timers/promises';
import { createGateway } from '../../src/gateway.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { heldBytes } from '../held-bytes.ts';
import { gatewayConfig } from '../proxy/servers/config.ts';
import { announce } from '../serving.ts';

/** Of the gateway's process, which wants `--expose-gc`. */
export interface MemorySample {
  /** After a collection of garbage, with what buffers hold outside of the heap. */
  readonly heldBytes: number;
  readonly rssBytes: number;
}

const answers: Readonly<Record<string, () => unknown>> = {
  memory: (): MemorySample => ({ heldBytes: heldBytes(), rssBytes: process.memoryUsage.rss() }),
  shutdown: async () => {
    await gateway.shutdown();
    return stillThere();
  },
};

process.on('message', (question: string) => {
  void Promise.resolve(answers[question]?.()).then((answer) => process.send?.(answer));
});
/** The channel to who started this. */
const before = process.getActiveResourcesInfo();
const logger = await createLogger({ level: 'error', format: 'json' });
const gateway = createGateway({ config: gatewayConfig(), logger, version: '0.0.0' });
await gateway.start();
announce({ url: gateway.urls.inference, metricsUrl: `${gateway.urls.metrics}/metrics` });

/** What is closed is still there for a moment. */
const CLOSE_MS = 10;
const CLOSES_MAX = 50;

/** @returns what keeps the process alive and did not before the gateway was there. */
async function stillThere(): Promise<string[]> {
  for (let look = 1; ; look++) {
    const left = process.getActiveResourcesInfo();
    for (const known of before) if (left.includes(known)) left.splice(left.indexOf(known), 1);
    if (left.length === 0 || look === CLOSES_MAX) return left;
    await setTimeout(CLOSE_MS);
  }
}
