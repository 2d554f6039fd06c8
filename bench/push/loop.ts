import type { CaseOptions, Cases, Sample } from '../case.ts';
import { watchLoop, type LongestBlock } from '../scrape/loop-blocks.ts';
import { receivedBy, startSink } from './export-case.ts';
import { pushCounters } from './push.ts';

/** How long who waits for the event loop has to wait during an export, at most. */
export const cases: Cases = {
  longest_block: (options) => ({ probe: () => longestBlocks(options) }),
};

const EXPORTS = 10;

/** Of the first export of a process that has never sent anything, and of later ones. */
async function longestBlocks(options: CaseOptions): Promise<Sample> {
  const sink = await startSink();
  const pushed = await pushCounters(options, { endpoint: sink.url });
  const longestOf = async (): Promise<LongestBlock> => {
    pushed.touch();
    const stop = watchLoop();
    await pushed.export();
    const longest = stop();
    await receivedBy(sink, pushed);
    return longest;
  };
  const exports = options.quick ? 1 : EXPORTS;
  const first = await longestOf();
  // For the compiler.
  for (let i = 0; i < exports; i++) await longestOf();
  const later: LongestBlock[] = [];
  for (let i = 0; i < exports; i++) later.push(await longestOf());
  await pushed.close();
  sink.stop();
  return {
    ms: Math.max(...later.map(({ ms }) => ms)),
    wall_ms: Math.max(...later.map(({ wallMs }) => wallMs)),
    first_ms: first.ms,
    first_wall_ms: first.wallMs,
  };
}
