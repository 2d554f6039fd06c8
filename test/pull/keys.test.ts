// What the keys of `pull` and `limits.scrapes_in_flight` do to a page, from the YAML of a user to what a scraper reads.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { parseConfig } from '../../src/config/index.ts';
import { createGateway, type Gateway } from '../../src/gateway.ts';
import { outside } from '../config/outside.ts';
import { readPage, type Sample } from '../exposition/read-page.ts';
import { createRecordingLogger } from '../support/telemetry.ts';

const TEXT_1_0_0 = 'text/plain;version=1.0.0;escaping=allow-utf-8';
const OPEN_METRICS = 'application/openmetrics-text;version=1.0.0';

/** @param yaml of the keys that a case is about. */
async function startGateway(t: TestContext, yaml: string): Promise<Gateway> {
  const text = `
listen: { inference: 127.0.0.1:0, management: 127.0.0.1:0, metrics: 127.0.0.1:0 }
observables: { host: { enabled: false } }
resource:
  service.name: iris
  service.namespace: shop
  service.version: "9"
  service.instance.id: one
  k8s.pod.name: pod-1
  k8s.Xod.name: x
upstreams: [{ name: iris, url: "http://127.0.0.1:8080", models: [{ name: iris }] }]
${yaml}`;
  const result = parseConfig({ text, source: 'test.yaml', ...outside() });
  assert.ok(result.ok, JSON.stringify(result));
  const { logger } = createRecordingLogger();
  const gateway = createGateway({ config: result.config, logger, version: '1.2.3' });
  await gateway.start();
  t.after(() => gateway.shutdown());
  return gateway;
}

interface Got {
  readonly status: number;
  readonly text: string;
}

async function get(gateway: Gateway, { path = '/metrics', accept = 'text/plain;version=0.0.4' } = {}): Promise<Got> {
  assert.ok(gateway.urls.metrics !== undefined);
  const answer = await fetch(`${gateway.urls.metrics}${path}`, { headers: { accept } });
  return { status: answer.status, text: await answer.text() };
}

async function samplesOf(t: TestContext, yaml: string): Promise<readonly Sample[]> {
  const { status, text } = await get(await startGateway(t, yaml));
  assert.equal(status, 200);
  return readPage(text).samples;
}

const named = (samples: readonly Sample[], wanted: string): Sample =>
  samples.find(({ name }) => name === wanted) ?? assert.fail(`no ${wanted}`);

it('the pages are at pull.path and below it, and nowhere else', async (t) => {
  const gateway = await startGateway(t, 'pull: { path: /prometheus, otel_js_enabled: true }');
  for (const path of ['/prometheus', '/prometheus/otel-js']) assert.equal((await get(gateway, { path })).status, 200);
  for (const path of ['/metrics', '/metrics/otel-js', '/']) assert.equal((await get(gateway, { path })).status, 404);
});

it('there is no page of the official exporter without pull.otel_js_enabled', async (t) => {
  for (const yaml of ['', 'pull: { otel_js_enabled: false }']) {
    const gateway = await startGateway(t, yaml);
    assert.equal((await get(gateway, { path: '/metrics/otel-js' })).status, 404);
    assert.equal((await get(gateway)).status, 200);
  }
});

it('there are no pages without pull.enabled', async (t) => {
  const gateway = await startGateway(t, 'pull: { enabled: false, path: /prometheus }');
  assert.equal(gateway.urls.metrics, undefined);
});

describe('pull.translation_strategy', () => {
  const requests = { unit: 'inference_requests_total', utf8: 'inference.requests_total' };
  const strategies: Record<string, { names: readonly string[]; escaped: readonly string[] }> = {
    underscore_escaping_with_suffixes: {
      names: [requests.unit, 'process_uptime_seconds', 'process_memory_usage_bytes'],
      escaped: [requests.unit, 'process_uptime_seconds'],
    },
    underscore_escaping_without_suffixes: {
      names: ['inference_requests', 'process_uptime', 'process_memory_usage'],
      escaped: ['inference_requests', 'process_uptime'],
    },
    no_utf8_escaping_with_suffixes: {
      names: [requests.utf8, 'process.uptime_seconds', 'process.memory.usage_bytes'],
      escaped: [requests.unit, 'process_uptime_seconds'],
    },
    no_translation: {
      names: ['inference.requests', 'process.uptime', 'process.memory.usage'],
      escaped: ['inference_requests', 'process_uptime'],
    },
  };
  for (const [strategy, { names, escaped }] of Object.entries(strategies)) {
    it(`${strategy} gives names and labels by it, and text 0.0.4 has them escaped`, async (t) => {
      const gateway = await startGateway(t, `pull: { translation_strategy: ${strategy} }`);
      const { text } = await get(gateway, { accept: TEXT_1_0_0 });
      const types = [...text.matchAll(/^# TYPE "?([^" ]+)"? /gm)].map(([, name]) => name);
      for (const name of names) assert.ok(types.includes(name), `no ${name} in ${types.join(' ')}`);
      const isUtf8 = strategy.startsWith('no_');
      assert.match(text, isUtf8 ? /"inference\.model\.name"="iris"/ : /inference_model_name="iris"/);

      const { samples } = readPage((await get(gateway)).text);
      for (const name of escaped) assert.ok(named(samples, name));
      assert.ok(samples.some(({ labels }) => labels.get('inference_model_name') === 'iris'));
    });
  }

  it('is with suffixes where it is not given', async (t) => {
    assert.ok(named(await samplesOf(t, ''), 'process_uptime_seconds'));
  });
});

describe('pull.scope_info_enabled', () => {
  const scopeOf = ({ labels }: Sample) => [labels.get('otel_scope_name'), labels.get('otel_scope_version')];

  it('gives each series the labels of its scope, as it is where nothing is said', async (t) => {
    for (const yaml of ['', 'pull: { scope_info_enabled: true }']) {
      const samples = (await samplesOf(t, yaml)).filter(({ name }) => name !== 'target_info');
      assert.ok(samples.length > 0);
      for (const sample of samples) assert.deepEqual(scopeOf(sample), ['metergate', '1.2.3']);
    }
  });

  it('false takes them away', async (t) => {
    for (const { labels } of await samplesOf(t, 'pull: { scope_info_enabled: false }')) {
      assert.deepEqual(
        [...labels.keys()].filter((name) => name.startsWith('otel_scope_')),
        [],
      );
    }
  });
});

describe('pull.target_info_enabled', () => {
  it('gives the resource as one series, as it is where nothing is said', async (t) => {
    for (const yaml of ['', 'pull: { target_info_enabled: true }']) {
      const { labels, value } = named(await samplesOf(t, yaml), 'target_info');
      assert.equal(value, 1);
      assert.deepEqual(
        ['service_name', 'service_namespace', 'service_instance_id', 'k8s_pod_name'].map((name) => labels.get(name)),
        ['iris', 'shop', 'one', 'pod-1'],
      );
    }
  });

  it('false takes it away', async (t) => {
    const gateway = await startGateway(t, 'pull: { target_info_enabled: false }');
    for (const accept of [TEXT_1_0_0, OPEN_METRICS]) {
      assert.doesNotMatch((await get(gateway, { accept })).text, /target/);
    }
  });
});

describe('pull.resource_constant_labels', () => {
  const OF_RESOURCE = /^(service|k8s|telemetry|process_runtime)_/;
  const cases: Record<string, { yaml: string; labels: Readonly<Record<string, string>> }> = {
    'puts no label on a series where it is not given': { yaml: '', labels: {} },
    'chooses by exact keys': {
      yaml: '{ included: [service.name, service] }',
      labels: { service_name: 'iris' },
    },
    'chooses by * and ?': {
      yaml: '{ included: ["service.n*", "k8s.?od.name"] }',
      labels: { service_name: 'iris', service_namespace: 'shop', k8s_pod_name: 'pod-1', k8s_Xod_name: 'x' },
    },
    'leaves out what is excluded': {
      yaml: '{ included: ["service.*", "k8s.*"], excluded: ["*.Xod.*", service.version, "service.instance.??"] }',
      labels: { service_name: 'iris', service_namespace: 'shop', k8s_pod_name: 'pod-1' },
    },
    'chooses all that is not excluded where it is not said which': {
      yaml: '{ excluded: ["k8s.*", "service.v*", "telemetry.*"] }',
      labels: { service_name: 'iris', service_namespace: 'shop', service_instance_id: 'one' },
    },
    'chooses none of an empty list': { yaml: '{ included: [] }', labels: {} },
  };
  for (const [what, { yaml, labels }] of Object.entries(cases)) {
    it(what, async (t) => {
      const samples = await samplesOf(t, yaml === '' ? '' : `pull: { resource_constant_labels: ${yaml} }`);
      const series = samples.filter(({ name }) => name !== 'target_info' && name !== 'metergate_build_info');
      assert.ok(series.length > 0);
      for (const sample of series) {
        const own = [...sample.labels].filter(([name]) => OF_RESOURCE.test(name));
        assert.deepEqual(Object.fromEntries(own), labels, sample.name);
      }
      // What the resource is does not depend on it.
      assert.equal(named(samples, 'target_info').labels.get('service_instance_id'), 'one');
    });
  }

  it('does not replace a label that a series has itself', async (t) => {
    const samples = await samplesOf(t, 'pull: { resource_constant_labels: {} }');
    const versionOf = (name: string) => named(samples, name).labels.get('service_version');
    assert.deepEqual(['metergate_build_info', 'process_uptime_seconds'].map(versionOf), ['1.2.3', '9']);
  });
});

describe('pull.created_enabled', () => {
  const created = async (t: TestContext, yaml: string, accept: string): Promise<string[]> => {
    const { text } = await get(await startGateway(t, yaml), { accept });
    return [...text.matchAll(/^(\w+_created)[{ ]/gm)].map(([, name = '']) => name);
  };

  it('gives OpenMetrics the start times of counters and histograms', async (t) => {
    const names = await created(t, 'pull: { created_enabled: true }', OPEN_METRICS);
    assert.ok(names.includes('inference_requests_created'), names.join(' '));
  });

  it('gives no other text any', async (t) => {
    for (const accept of ['text/plain;version=0.0.4', TEXT_1_0_0]) {
      assert.deepEqual(await created(t, 'pull: { created_enabled: true }', accept), []);
    }
  });

  it('is off where it is not given', async (t) => {
    for (const yaml of ['', 'pull: { created_enabled: false }']) {
      assert.deepEqual(await created(t, yaml, OPEN_METRICS), []);
    }
  });
});

it('limits.scrapes_in_flight is the number of scrapes that are answered at one time', async (t) => {
  const gateway = await startGateway(t, 'limits: { scrapes_in_flight: 1 }');
  // A turn of the event loop lies between a scrape and its collection, so that those of one turn are there together.
  const statuses = new Set<number>();
  for (let i = 0; i < 20 && statuses.size < 2; i++) {
    for (const { status } of await Promise.all(Array.from({ length: 8 }, () => get(gateway)))) statuses.add(status);
  }
  assert.deepEqual([...statuses].sort(), [200, 503]);
  assert.match((await get(gateway)).text, /^metergate_pull_scrapes_rejected_total\{.*\} [1-9]/m);
});
