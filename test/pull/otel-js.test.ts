import assert from 'node:assert/strict';
import { it } from 'node:test';
import { metricName } from '../../src/exposition/names.ts';
import { catalogue, type InstrumentName } from '../../src/telemetry/catalogue.ts';
import type { CounterName, HistogramName } from '../../src/telemetry/instruments.ts';
import { readPage, type Page } from '../exposition/read-page.ts';
import { createTestTelemetry } from '../support/telemetry.ts';
import { servePull } from './scrape.ts';

// Our page against the official serializer's: other names (that one writes no units), the same numbers.

const names = Object.keys(catalogue) as InstrumentName[];
const counters = names.filter((name): name is CounterName => catalogue[name].kind === 'counter');
const histograms = names.filter((name): name is HistogramName => catalogue[name].kind === 'histogram');

/** Label set -> value; `le` as a number, since the two write `1048576` in two ways. */
function samplesOf({ samples }: Page, name: string): Record<string, number> {
  return Object.fromEntries(
    samples
      .filter((sample) => sample.name === name)
      .map(({ labels, value }) => {
        const written = [...labels].map(([key, label]) => [
          key,
          key === 'le' ? Number(label.replace('+Inf', 'Infinity')) : label,
        ]);
        return [JSON.stringify(written.sort().map(([key, label]) => `${String(key)}=${String(label)}`)), value];
      }),
  );
}

it('the official page has the value of every counter and histogram series of ours', async (t) => {
  const telemetry = createTestTelemetry();
  for (const [i, name] of counters.entries()) {
    telemetry.instruments.counter(name).add(i + 1, { 'inference.outcome': 'success' });
    telemetry.instruments.counter(name).add(0, { 'inference.outcome': 'failure', 'inference.model.name': 'a\\"b' });
  }
  for (const name of histograms) {
    for (const value of [0, 0.0071, 1, 1024, 5e6, 1e12]) {
      telemetry.instruments.histogram(name).record(value, { 'http.route': '/v2' });
    }
  }
  const scrape = await servePull(t, { ...telemetry, reader: telemetry.pull });
  const ours = readPage((await scrape()).body);
  // UNIT is no keyword of this format, and so a comment.
  const official = readPage((await scrape('/metrics/otel-js')).body.replace(/^# UNIT .*\n/gm, ''));

  const compare = (name: InstrumentName, kind: 'counter' | 'histogram', suffixes: readonly string[]): void => {
    const { unit } = catalogue[name];
    const plain = name.replaceAll('.', '_') + (kind === 'counter' ? '_total' : '');
    for (const suffix of suffixes) {
      const own = samplesOf(ours, metricName({ name, unit, kind }) + suffix);
      assert.notDeepEqual(own, {}, name);
      assert.deepEqual(own, samplesOf(official, plain + suffix), name + suffix);
    }
  };
  for (const name of counters) compare(name, 'counter', ['']);
  for (const name of histograms) compare(name, 'histogram', ['_bucket', '_sum', '_count']);
});
