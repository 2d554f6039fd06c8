import type { Bench } from '../bench.ts';
import { contendersOf, ratiosOf, type Participants, type Ratios } from '../contenders.ts';
import { measure } from '../measure.ts';

const ROUNDS = 5;

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

const ratios: Ratios = {
  bound_counter_vs_sdk: ['bound_counter_sdk_ns', 'bound_counter_native_ns'],
  bound_counter_vs_prometheus_io: ['bound_counter_prometheus_io_ns', 'bound_counter_native_ns'],
  bound_histogram_vs_sdk: ['bound_histogram_sdk_ns', 'bound_histogram_native_ns'],
  bound_histogram_vs_prometheus_io: ['bound_histogram_prometheus_io_ns', 'bound_histogram_native_ns'],
  unbound_counter_vs_sdk_two_readers: ['unbound_counter_sdk_two_readers_ns', 'unbound_counter_native_ns'],
  unbound_counter_vs_prometheus_io: ['unbound_counter_prometheus_io_ns', 'unbound_counter_native_ns'],
  heap_per_series_vs_prometheus_io: ['heap_counter_prometheus_io_bytes', 'heap_counter_native_bytes'],
};

/** Recording: 3 attributes, 100 series; processor time per operation, and bytes that a series holds. */
export const recordBench: Bench = (options) => {
  // What is held is the same in every round.
  const held = measure(contendersOf(heaps, import.meta.url), { ...options, rounds: 1 });
  const times = measure(contendersOf(timed, import.meta.url), { ...options, rounds: options.quick ? 1 : ROUNDS });
  const figures = { ...times, ...held };
  return { ratios: ratiosOf(ratios, figures), figures };
};
