import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type * as promClient from 'prom-client';
import { fromPrometheusRegistry, type PrometheusRegistry } from '../../src/telemetry/prometheus-registry.ts';
import { pageOf } from '../exposition/page.ts';
import { readPage, type Page } from '../exposition/read-page.ts';
import { clients, createOpenMetricsRegistry, type Client, type Registry } from './prometheus-clients.ts';

async function ourPage(registry: PrometheusRegistry): Promise<Page> {
  const scopes = await fromPrometheusRegistry(registry, { scope: 'mine' }).collect();
  const { text, dropped } = pageOf({ resource: {}, scopes });
  assert.deepEqual(dropped, []);
  return readPage(text);
}

/** The registry's own page, in strict text 0.0.4: both packages leave lines empty and write `Nan`. */
async function theirPage(registry: Registry): Promise<Page> {
  const lines = (await registry.metrics()).split('\n').filter((line) => line !== '');
  return readPage(
    lines
      .map((line) => `${line.replace(/^([^#].*) Nan$/s, '$1 NaN')}\n`)
      .join('')
      .toWellFormed(),
  );
}

/** As Prometheus tells samples apart: an empty label is none, and it reads bounds and quantiles as numbers. */
function toSamples({ samples }: Page): Map<string, number> {
  return new Map(
    samples.map(({ name, labels, value }) => {
      const own = [...labels].filter(([key, text]) => text !== '' && !key.startsWith('otel_scope_'));
      const read = own.map(([key, text]) => (['le', 'quantile'].includes(key) ? [key, toText(text)] : [key, text]));
      return [JSON.stringify([name, ...read.sort()]), value + 0]; // -0 is 0.
    }),
  );
}

function toText(number: string): string {
  return String(Number(number.replace('+Inf', 'Infinity')));
}

async function assertSamePage(registry: Registry): Promise<void> {
  const [ours, theirs] = [await ourPage(registry), await theirPage(registry)];
  assert.deepEqual(toSamples(ours), toSamples(theirs));
  for (const [name, type] of ours.types) {
    assert.deepEqual([name, type, ours.helps.get(name)], [name, theirs.types.get(name), theirs.helps.get(name)]);
  }
}

interface Recording {
  readonly client: Client;
  readonly registers: Registry[];
}

const help = 'a help';

/** What is recorded -> how many samples the page has. */
const pages: Record<string, { samples: number; record: (recording: Recording) => void }> = {
  'an empty registry': { samples: 0, record: () => {} },
  'metrics with labels that have no sample yet': {
    samples: 0,
    record: ({ client, registers }) => {
      const config = { help, registers, labelNames: ['a'] };
      new client.Counter({ ...config, name: 'c_total' });
      new client.Gauge({ ...config, name: 'g' });
      new client.Histogram({ ...config, name: 'h' });
      new client.Summary({ ...config, name: 's' });
    },
  },
  'metrics without labels, which are there from the start': {
    samples: 2 + (11 + 3) + (7 + 2),
    record: ({ client, registers }) => {
      new client.Counter({ name: 'c_total', help, registers });
      new client.Gauge({ name: 'g', help, registers });
      new client.Histogram({ name: 'h', help, registers });
      new client.Summary({ name: 's', help, registers });
    },
  },
  'counters with labels': {
    samples: 3,
    record: ({ client, registers }) => {
      const counter = new client.Counter({ name: 'c_total', help, registers, labelNames: ['a', 'b'] });
      counter.inc({ a: 'x', b: 'y' }, 0.1);
      counter.inc({ b: 'y', a: 'x' }, 0.2);
      counter.inc({ a: 'y' });
      counter.inc({});
    },
  },
  'gauges of every sort of double': {
    samples: 9,
    record: ({ client, registers }) => {
      const gauge = new client.Gauge({ name: 'g', help, registers, labelNames: ['of'] });
      const values = [NaN, Infinity, -Infinity, -0, 5e-324, 1.7976931348623157e308, 2 ** 53, 0.1 + 0.2, -1e21];
      for (const [i, value] of values.entries()) gauge.set({ of: String(i) }, value);
    },
  },
  'a histogram with bounds of its own, and values on and above each': {
    samples: 2 * (4 + 3),
    record: ({ client, registers }) => {
      const buckets = [-1.5, 0, 1e-7, 5e6];
      const histogram = new client.Histogram({ name: 'h', help, registers, buckets, labelNames: ['a'] });
      for (const value of [-2, ...buckets, 1, 1e9]) histogram.observe({ a: 'x' }, value);
      histogram.zero({ a: 'y' });
    },
  },
  'a histogram without bounds': {
    samples: 3,
    record: ({ client, registers }) => {
      new client.Histogram({ name: 'h', help, registers, buckets: [] }).observe(3);
    },
  },
  'a summary with quantiles of its own': {
    samples: 2 * (4 + 2),
    record: ({ client, registers }) => {
      const percentiles = [0.999, 0, 0.5, 1];
      const summary = new client.Summary({ name: 's', help, registers, percentiles, labelNames: ['a'] });
      for (const value of [1, 2, 3, -4]) summary.observe({ a: 'x' }, value);
      summary.observe({ a: 'y' }, 1e300);
    },
  },
  'a summary without quantiles': {
    samples: 2,
    record: ({ client, registers }) => {
      new client.Summary({ name: 's', help, registers, percentiles: [] }).observe(3);
    },
  },
  'default labels, which a label of the series wins over': {
    samples: 2 + 1 + (1 + 3) + (1 + 2),
    record: ({ client, registers }) => {
      registers[0]?.setDefaultLabels({ app: 'shop', zone: 7 });
      const counter = new client.Counter({ name: 'c_total', help, registers, labelNames: ['zone'] });
      counter.inc();
      counter.inc({ zone: 'own' });
      new client.Gauge({ name: 'g', help, registers }).set(1);
      new client.Histogram({ name: 'h', help, registers, buckets: [1] }).observe(1);
      new client.Summary({ name: 's', help, registers, percentiles: [0.5] }).observe(1);
    },
  },
  'text of every sort in labels and help': {
    samples: 7,
    record: ({ client, registers }) => {
      const hostile = ['"', '\\', '\n', '\r\n', '\\n"{}=, 1\n# EOF', 'Ünïcode 🎉\u2028', '\ud800 lone'];
      const config = { help: hostile.join(' '), registers, labelNames: ['a'] };
      const counter = new client.Counter({ ...config, name: 'c_total' });
      for (const a of hostile) counter.inc({ a });
    },
  },
  'labels that are no strings': {
    samples: 4,
    record: ({ client, registers }) => {
      const gauge = new client.Gauge({ name: 'g', help, registers, labelNames: ['a'] });
      for (const a of [0, 1.5, true, undefined]) gauge.set({ a } as unknown as Record<string, string>, 1);
    },
  },
  'labels that only histograms and summaries use for themselves': {
    samples: 4,
    record: ({ client, registers }) => {
      const config = { help, registers, labelNames: ['le', 'quantile'] };
      const [counter, gauge] = [
        new client.Counter({ ...config, name: 'c_total' }),
        new client.Gauge({ ...config, name: 'g' }),
      ];
      counter.inc({ le: '1', quantile: '0.5' });
      counter.inc({ le: '2' });
      gauge.set({ le: '1', quantile: '0.5' }, 1);
      gauge.set({ quantile: '0.75' }, 1);
    },
  },
};

for (const [packageName, client] of Object.entries(clients)) {
  const newRegistry = () => new client.Registry();

  describe(`the page of a registry of ${packageName} is the same by us:`, () => {
    for (const [what, { samples, record }] of Object.entries(pages)) {
      it(what, async () => {
        const registry = newRegistry();
        record({ client, registers: [registry] });
        await assertSamePage(registry);
        assert.equal((await ourPage(registry)).samples.length, samples);
      });
    }

    it('an aggregate of several registries, whose series have no neighbours', async () => {
      const workers = ['one', 'two', 'one'].map((worker) => {
        const registers = [newRegistry()];
        const config = { help, registers, labelNames: ['worker'] };
        new client.Counter({ ...config, name: 'c_total' }).inc({ worker }, 3);
        new client.Histogram({ ...config, name: 'h', buckets: [1, 2] }).observe({ worker }, 1.5);
        new client.Summary({ ...config, name: 's' }).observe({ worker }, 2);
        return registers;
      });
      const collected = await Promise.all(workers.flat().map((registry) => registry.getMetricsAsJSON()));
      const registry = client.AggregatorRegistry.aggregate<promClient.PrometheusContentType>(collected);
      await assertSamePage(registry);
      assert.equal((await ourPage(registry)).samples.length, 2 * (1 + 5 + 9));
    });

    it('whatever is recorded', async () => {
      const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 4 }), fc.constantFrom('', '"', '\\', '\n', ' Nan'));
      const finite = fc.double({ noDefaultInfinity: true, noNaN: true, min: -1e300, max: 1e300 });
      const labels = fc.record({ a: text, b: fc.oneof(text, fc.integer()) });
      const recording = fc.oneof(
        fc.record({ kind: fc.constant('inc'), labels, value: fc.double({ min: 0, max: 1e300, noNaN: true }) }),
        fc.record({ kind: fc.constant('set'), labels, value: fc.double() }),
        fc.record({ kind: fc.constant('observe'), labels, value: finite }),
      );
      const bounds = fc.uniqueArray(finite, { maxLength: 5, comparator: (a, b) => a === b });
      const quantiles = fc.uniqueArray(fc.double({ min: 0, max: 1, noNaN: true }), {
        maxLength: 3,
        comparator: (a, b) => a === b,
      });
      const defaults = fc.dictionary(fc.constantFrom('c', 'd'), text, { noNullPrototype: true });
      await fc.assert(
        fc.asyncProperty(
          fc.record({ recordings: fc.array(recording, { maxLength: 20 }), bounds, quantiles, defaults, help: text }),
          async ({ recordings, bounds, quantiles, defaults, help }) => {
            const registry = newRegistry();
            registry.setDefaultLabels(defaults);
            // Both packages ask for a help that is not empty.
            const config = { help: `h${help}`, registers: [registry], labelNames: ['a', 'b'] };
            const counter = new client.Counter({ ...config, name: 'c_total' });
            const gauge = new client.Gauge({ ...config, name: 'g' });
            const buckets = bounds.toSorted((a, b) => a - b);
            const histogram = new client.Histogram({ ...config, name: 'h', buckets });
            const summary = new client.Summary({ ...config, name: 's', percentiles: quantiles });
            for (const { kind, labels, value } of recordings) {
              if (kind === 'inc') counter.inc(labels, value);
              if (kind === 'set') gauge.set(labels, value);
              if (kind === 'observe') histogram.observe(labels, value);
              if (kind === 'observe') summary.observe(labels, value);
            }
            await assertSamePage(registry);
          },
        ),
      );
    });

    it('the default metrics, by their names, types and help', async () => {
      const registry = newRegistry();
      client.collectDefaultMetrics({ register: registry });
      const [ours, theirs] = [await ourPage(registry), await theirPage(registry)];
      assert.ok(ours.types.has('process_cpu_user_seconds_total') && ours.types.has('nodejs_version_info'));
      for (const [name, type] of ours.types) {
        assert.deepEqual([name, type, ours.helps.get(name)], [name, theirs.types.get(name), theirs.helps.get(name)]);
      }
    });

    it('gives a counter of an OpenMetrics registry one _total', async () => {
      const registry = createOpenMetricsRegistry(client);
      new client.Counter({ name: 'a', help, registers: [registry] }).inc();
      new client.Counter({ name: 'b_total', help, registers: [registry] }).inc();
      const names = async () => (await ourPage(registry)).samples.map(({ name }) => name);
      assert.deepEqual(await names(), ['a_total', 'b_total']);
      await registry.metrics(); // Writes over the names of its counters.
      assert.deepEqual(await names(), ['a_total', 'b_total']);
    });
  });
}
