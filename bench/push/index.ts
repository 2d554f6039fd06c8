import type { Bench } from '../bench.ts';
import { contendersOf, ratiosOf, type Participants, type Ratios } from '../contenders.ts';
import { measure, type Contender } from '../measure.ts';
import { measureQueueWrites } from './queue-writes.ts';

const ROUNDS = 2;

const compared: Participants = {
  counters_100k: ['native', 'official'],
};
const others: Participants = {
  histograms_10k: ['native', 'official'],
  counters_100k_disk: ['native'],
  counters_100k_batched: ['official'],
};
const alone: readonly Contender[] = [probe('memory_queue', 'memory.ts'), probe('memory_outage', 'memory.ts')];

const ratios: Ratios = {
  export_vs_official: ['counters_100k_official_ms', 'counters_100k_native_ms'],
  export_vs_official_batched: ['counters_100k_batched_official_ms', 'counters_100k_native_ms'],
  export_histograms_vs_official: ['histograms_10k_official_ms', 'histograms_10k_native_ms'],
};

/** Pushes: what an export costs all the way to the receiver, what it does to the process, and what it takes to keep what cannot be sent. */
export const pushBench: Bench = async (options) => {
  const rounds = options.quick ? 1 : ROUNDS;
  const written = await measureQueueWrites(options);
  const one = measure([...contendersOf(others, import.meta.url), ...alone], { ...options, rounds: 1 });
  const beside = measure([probe('longest_block', 'loop.ts'), ...contendersOf(compared, import.meta.url)], {
    ...options,
    rounds,
  });
  const figures = { ...beside, ...one, ...written.figures };
  return { ratios: { ...ratiosOf(ratios, figures), ...written.ratios }, figures };
};

function probe(name: string, file: string): Contender {
  return { name, module: new URL(file, import.meta.url), case: name };
}
