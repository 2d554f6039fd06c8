/**
 * A process that a test puts into a control group. For each message it does something there and answers:
 * `sample` with what a container group reads, `burn` after a second of work, `exhaust` with how a child ended that wanted more memory than there may be.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createContainerGroup } from '../../../src/observables/container/index.ts';
import { sampleOf } from '../host/sample.ts';

const group = createContainerGroup();

const work: Record<string, () => unknown> = {
  sample: () => sampleOf(group),
  burn: () => {
    for (const endMs = performance.now() + 1000; performance.now() < endMs;);
  },
  exhaust: async () => {
    // Only that child is to be killed, not this process.
    const command =
      'echo 1000 >/proc/self/oom_score_adj; exec "$0" -e "for (const a = [];;) a.push(Buffer.alloc(2 ** 24, 1))"';
    const child = spawn('sh', ['-c', command, process.execPath], { stdio: 'ignore' });
    const [, signal] = (await once(child, 'exit')) as [null, NodeJS.Signals | null];
    return signal;
  },
};

process.on('message', (name: string) => {
  void (async () => process.send?.({ done: (await work[name]?.()) ?? null }))();
});
process.on('disconnect', () => process.exit());
process.send?.({ done: 'started' });
