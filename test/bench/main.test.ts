import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../bench/main.ts', import.meta.url));

const wrong: Readonly<Record<string, { args: string[]; says: RegExp }>> = {
  'no benchmark': { args: [], says: /^which benchmark\?/ },
  'a benchmark that does not exist': { args: ['speed'], says: /^there is no benchmark speed/ },
  'a name that every object has': { args: ['toString'], says: /^there is no benchmark toString/ },
  'two benchmarks': { args: ['record', 'record'], says: /^one benchmark at a time \(got record record\)/ },
  'an option that does not exist': { args: ['record', '--fast'], says: /^Unknown option '--fast'/ },
};

const isInstalled = (program: string): boolean => spawnSync(program, ['-v']).error === undefined;
const nginx = isInstalled('nginx');
const nodeExporter = isInstalled('prometheus-node-exporter');
const namespaces = spawnSync('unshare', ['--user', '--map-root-user', '--pid', '--fork', 'true']).status === 0;
const withoutWrk = isInstalled('wrk') ? false : 'wrk not found (Debian has it in the package wrk)';

interface ReportShape {
  readonly ratios: readonly string[];
  /** Some of them. */
  readonly figures: readonly string[];
  readonly units: RegExp;
  readonly skip?: string | false;
}

const reports: Readonly<Record<string, ReportShape>> = {
  record: {
    ratios: [
      'bound_counter_vs_sdk',
      'bound_counter_vs_prometheus_io',
      'bound_histogram_vs_sdk',
      'bound_histogram_vs_prometheus_io',
      'unbound_counter_vs_sdk_two_readers',
      'unbound_counter_vs_prometheus_io',
      'heap_per_series_vs_prometheus_io',
    ],
    figures: [],
    units: /_(ns|ms|bytes)$/,
  },
  scrape: {
    ratios: [
      'counters_100k_vs_otel_js',
      'counters_100k_vs_prometheus_io',
      'histograms_10k_vs_otel_js',
      'histograms_10k_vs_prometheus_io',
    ],
    figures: ['longest_block_ms', 'cpu_at_20hz'],
    units: /_(ms|bytes|vs_page)$|^cpu_at_20hz/,
  },
  proxy: {
    ratios: [
      'rps_vs_bare_undici',
      'rps_vs_fastify_http_proxy',
      ...(nginx ? ['rps_vs_nginx'] : []),
      'rps_vs_telemetry_off',
      'large_body_vs_bare_undici',
      'stream_vs_bare_undici',
    ],
    figures: [
      'added_p99_ms',
      'small_upstream_rps',
      'small_bare_undici_rps',
      'small_fastify_http_proxy_rps',
      ...(nginx ? ['small_nginx_rps'] : []),
      'small_gateway_rps',
      'small_telemetry_off_rps',
      'large_gateway_rps',
      'large_bare_undici_rps',
      'stream_gateway_rps',
      'stream_bare_undici_rps',
    ],
    units: /_(rps|ms)$/,
    skip: withoutWrk,
  },
  observe: {
    ratios: [
      'cpu_vs_systeminformation',
      'cpu_vs_systeminformation_without_gpus',
      ...(nodeExporter ? ['cpu_vs_node_exporter', 'page_vs_node_exporter'] : []),
    ],
    figures: [
      'main_thread_ms_per_s',
      ...(namespaces ? ['processes_started'] : []),
      'calls_metergate_ms',
      'calls_systeminformation_ms',
      'host_metergate_ms',
      ...(nodeExporter ? ['host_page_node_exporter_ms'] : []),
      'sample_host_cpu_us',
      'sample_container_us',
    ],
    units: /_(ms|us|ms_per_s)$|^processes_started$/,
    skip: process.platform === 'linux' ? false : 'it is of Linux only',
  },
  push: {
    ratios: ['export_vs_official', 'export_vs_official_batched', 'export_histograms_vs_official', 'queue_write_vs_dd'],
    figures: [
      'longest_block_ms',
      'counters_100k_native_ms',
      'counters_100k_native_bytes',
      'counters_100k_official_ms',
      'counters_100k_disk_native_ms',
      'queue_write_native_mib_per_s',
      'memory_queue_vs_limit',
    ],
    units: /_(ms|bytes|requests|mib_per_s|vs_limit)$/,
    skip: process.platform === 'linux' ? false : 'it needs the dd of GNU',
  },
};
/** Differences that may be nothing, or less, where little is measured, and what is to be nothing. */
const MAY_BE_NOTHING = ['added_p99_ms', 'main_thread_ms_per_s', 'main_thread_with_gpus_ms_per_s', 'processes_started'];

describe('npm run bench', () => {
  for (const [name, { args, says }] of Object.entries(wrong)) {
    it(`answers ${name} with what there is, and exit code 2`, async () => {
      const { code, stdout, stderr } = await bench(args);
      assert.equal(code, 2);
      assert.equal(stdout, '');
      assert.match(stderr, says);
      assert.match(stderr, /usage: npm run bench -- NAME.*one of: record scrape proxy observe push\n/s);
    });
  }

  for (const [name, { ratios, figures, units, skip = false }] of Object.entries(reports)) {
    it(`${name} prints one JSON object of ratios and figures, and nothing else, with --json`, { skip }, async () => {
      const { code, stdout, stderr } = await bench([name, '--quick', '--json']);
      assert.equal(code, 0, stderr);
      const report = JSON.parse(stdout) as Record<'ratios' | 'figures', Record<string, number>>;
      assert.deepEqual(Object.keys(report), ['bench', 'ratios', 'figures']);
      assert.deepEqual(Object.keys(report.ratios), ratios);
      for (const each of figures) assert.ok(each in report.figures, each);
      for (const [each, value] of Object.entries({ ...report.ratios, ...report.figures })) {
        assert.ok(Number.isFinite(value) && (value > 0 || MAY_BE_NOTHING.includes(each)), `${each}: ${value}`);
      }
      for (const each of Object.keys(report.figures)) assert.match(each, units);
    });
  }

  it('says which package is missing where proxy cannot be measured, with exit code 1', async () => {
    const { code, stdout, stderr } = await bench(['proxy', '--quick'], { PATH: '/nothing-is-here' });
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.equal(stderr, 'wrk is not here: it sends the load (Debian has it in the package wrk)\n');
  });
});

async function bench(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}
