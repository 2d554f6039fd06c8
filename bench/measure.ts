import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Sample } from './case.ts';
import { medianOf } from './median.ts';

export interface Contender {
  /** Unique among those that are measured; its figures begin with it. */
  readonly name: string;
  /** Exports `cases`. */
  readonly module: URL;
  readonly case: string;
}

export interface MeasureOptions {
  readonly rounds: number;
  /** Short warm-up and blocks: shows that it runs, and no more. */
  readonly quick: boolean;
  /** By `performance.now()`: no child is started that would probably end later, once each contender was measured. */
  readonly deadlineMs: number;
  /** Told what is going on, by lines. */
  readonly progress: (line: string) => void;
}

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));
const CHILD_TIMEOUT_MS = 15_000;

/**
 * Measures each contender once in a round, in a process of its own, so that whatever slows the machine down for a while slows down
 * all of them.
 *
 * @returns figures by name: medians over the rounds.
 */
export function measure(contenders: readonly Contender[], options: MeasureOptions): Record<string, number> {
  const samples = new Map<string, number[]>();
  let longestMs = 0;
  for (let round = 1; round <= options.rounds; round++) {
    options.progress(`round ${round} of ${options.rounds}, ${contenders.length} contenders`);
    for (const contender of contenders) {
      const beginMs = performance.now();
      if (round > 1 && beginMs + longestMs > options.deadlineMs) {
        options.progress('no time is left for the rest');
        return mediansOf(samples);
      }
      for (const [unit, value] of Object.entries(measureOnce(contender, options))) {
        const figure = `${contender.name}_${unit}`;
        samples.set(figure, [...(samples.get(figure) ?? []), value]);
      }
      longestMs = Math.max(longestMs, performance.now() - beginMs);
    }
  }
  return mediansOf(samples);
}

function measureOnce(contender: Contender, { quick }: { quick: boolean }): Sample {
  const args = ['--expose-gc', CHILD, contender.module.href, contender.case, ...(quick ? ['quick'] : [])];
  const { status, stdout, stderr, error } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    timeout: CHILD_TIMEOUT_MS,
  });
  if (status !== 0) throw new Error(`${contender.name} could not be measured: ${stderr}`, { cause: error });
  return JSON.parse(stdout) as Sample;
}

function mediansOf(samples: ReadonlyMap<string, readonly number[]>): Record<string, number> {
  return Object.fromEntries([...samples].map(([figure, values]) => [figure, medianOf(values)]));
}
