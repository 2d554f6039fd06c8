import type { Bench } from '../bench.ts';
import { measure, type Contender } from '../measure.ts';

const ROUNDS = 5;

/** Who takes part in which case: `sdk_two_readers` stands for the file of that name. The table is in this order. */
const timed: Participants = {
  loop: ['floor'],
  bound_counter: ['native', 'sdk', 'prometheus_io'],
  bound_histogram: ['native', 'sdk', 'prometheus_io'],
  bound_exponential: ['native', 'sdk'],
  unbound_counter: ['native', 'sdk', 'sdk_two_readers', 'prometheus_io'],
  unbound_histogram: ['native', 'sdk', 'prometheus_io'],
  sampled_counter: ['native'],
  sampled_histogram: ['native'],
  traced_counter: ['native'],
  snapshot_100k_cumulative: ['native'],
  snapshot_100k_delta: ['native'],
};
const heaps: Participants = {
  heap_counter: ['native', 'sdk', 'prometheus_io'],
  heap_counter_distinct: ['native', 'prometheus_io'],
  heap_histogram: ['native', 'prometheus_io'],
};

/** The peer's figure and ours. */
const ratios: Readonly<Record<string, readonly [string, string]>> = {
  bound_counter_vs_sdk: ['bound_counter_sdk_ns', 'bound_counter_native_ns'],
  bound_counter_vs_prometheus_io: ['bound_counter_prometheus_io_ns', 'bound_counter_native_ns'],
  bound_histogram_vs_sdk: ['bound_histogram_sdk_ns', 'bound_histogram_native_ns'],
  bound_histogram_vs_prometheus_io: ['bound_histogram_prometheus_io_ns', 'bound_histogram_native_ns'],
  unbound_counter_vs_sdk_two_readers: ['unbound_counter_sdk_two_readers_ns', 'unbound_counter_native_ns'],
  unbound_counter_vs_prometheus_io: ['unbound_counter_prometheus_io_ns', 'unbound_counter_native_ns'],
  heap_per_series_vs_prometheus_io: ['heap_counter_prometheus_io_bytes', 'heap_counter_native_bytes'],
};

type Participants = Readonly<Record<string, readonly string[]>>;

/** Recording: 3 attributes, 100 series; processor time per operation, and bytes that a series holds. */
export const recordBench: Bench = (options) => {
  // What is held is the same in every round.
  const held = measure(contendersOf(heaps), { ...options, rounds: 1 });
  const times = measure(contendersOf(timed), { ...options, rounds: options.quick ? 1 : ROUNDS });
  const figures = { ...times, ...held };
  return { ratios: ratiosOf(figures), figures };
};

function contendersOf(participants: Participants): Contender[] {
  return Object.entries(participants).flatMap(([name, peers]) =>
    peers.map((peer) => ({
      name: `${name}_${peer}`,
      module: new URL(`${peer.replaceAll('_', '-')}.ts`, import.meta.url),
      case: name,
    })),
  );
}

function ratiosOf(figures: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(ratios).map(([name, [peer, ours]]) => [name, (figures[peer] ?? NaN) / (figures[ours] ?? NaN)]),
  );
}
