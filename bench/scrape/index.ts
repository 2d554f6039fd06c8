import type { Bench } from '../bench.ts';
import { contendersOf, ratiosOf, type Participants, type Ratios } from '../contenders.ts';
import { measure, type Contender } from '../measure.ts';

const ROUNDS = 2;

const compared: Participants = {
  counters_100k: ['native', 'otel_js', 'prometheus_io'],
  histograms_10k: ['native', 'otel_js', 'prometheus_io'],
};
const others: Participants = {
  counters_100k_openmetrics: ['native'],
  counters_100k_protobuf: ['native'],
  counters_100k_first: ['native'],
  histograms_10k_protobuf: ['native'],
  exponential_10k_protobuf: ['native'],
  exponential_10k_text: ['native'],
};

const ratios: Ratios = {
  counters_100k_vs_otel_js: ['counters_100k_otel_js_ms', 'counters_100k_native_ms'],
  counters_100k_vs_prometheus_io: ['counters_100k_prometheus_io_ms', 'counters_100k_native_ms'],
  histograms_10k_vs_otel_js: ['histograms_10k_otel_js_ms', 'histograms_10k_native_ms'],
  histograms_10k_vs_prometheus_io: ['histograms_10k_prometheus_io_ms', 'histograms_10k_native_ms'],
};

/** Scrapes: what a page costs whose series were all recorded on since the one before, and what serving it does to the process. */
export const scrapeBench: Bench = (options) => {
  const once = { ...options, rounds: 1 };
  const rounds = options.quick ? 1 : ROUNDS;
  const alone = measure([...contendersOf(others, import.meta.url), probe('peak_memory'), probe('cpu')], once);
  const beside = measure([probe('longest_block'), ...contendersOf(compared, import.meta.url)], { ...options, rounds });
  const figures = { ...beside, ...alone };
  return { ratios: ratiosOf(ratios, figures), figures };
};

function probe(name: string): Contender {
  return { name, module: new URL('http.ts', import.meta.url), case: name };
}
