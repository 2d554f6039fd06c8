// Whatever goes wrong with the readings of the machine, the gateway serves requests and scrapes. Readings that are wrong are absent, a counter and
// one line of the log say why, and they come back with what they are read from.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSink } from '../../src/cli/demo/sink.ts';
import { createTree, SERVER } from '../observables/host/procfs/tree.ts';
import { createFakeNvidiaSmi } from '../support/fake-nvidia-smi.ts';
import { startGateway, type RunningGateway } from '../support/gateway.ts';
import { eventually } from '../support/processes.ts';
import { until } from '../support/until.ts';

const OPTIONS = { timeout: 240_000, concurrency: true, skip: platform() === 'linux' ? false : 'needs /proc' };
const OFTEN = { interval: '250ms' };
/** All that there is, as often as can be; GPUs where there are some. */
const EVERYTHING = {
  host: { ...OFTEN, filesystems: OFTEN },
  container: OFTEN,
  process: OFTEN,
  gpu: OFTEN,
};
/** Longer than a program that hangs is left alone: another one is started then, which hangs, too. */
const LASTING_MS = 11_000;

describe('the gateway', OPTIONS, () => {
  it('goes on when nvidia-smi is killed, when it hangs, and when it hangs while the gateway ends', async (test) => {
    const nvidiaSmi = createFakeNvidiaSmi('h100x2.csv');
    test.after(() => nvidiaSmi.remove());
    nvidiaSmi.behave({ ignoresSigterm: true });
    const sink = await startSink();
    test.after(() => sink.close());
    const watched = await start(test, {
      observables: { host: { enabled: false }, gpu: gpuOf(nvidiaSmi) },
      push: [{ name: 'sink', endpoint: sink.url, interval: '1h', timeout: '2s' }],
    });
    const hasGpus = (page: Page): boolean => page.series('hw_gpu_utilization_ratio').length > 0;
    await watched.until('there are GPUs', hasGpus);

    const childrenBefore = childrenOf(watched.gateway.process.pid);
    process.kill(nvidiaSmi.running()[0] ?? NaN, 'SIGKILL');
    await watched.until('it is seen that it was killed', failed('gpu', 'exited', hasGpus));
    await watched.until('there are GPUs again', recovered('gpu', hasGpus));
    const exited = ['sample failed exited', 'observable recovered'];
    await watched.hasLogged('gpu', exited);
    const { ended } = childrenOf(watched.gateway.process.pid);
    assert.ok(ended > childrenBefore.ended, 'that a child has ended is seen in what the last of these tests looks at');

    nvidiaSmi.behave({ stops: true, ignoresSigterm: true });
    await watched.until('it is seen that it hangs', failed('gpu', 'timeout', hasGpus));
    await watched.lookFor(LASTING_MS, failed('gpu', 'timeout', hasGpus));
    nvidiaSmi.behave({ ignoresSigterm: true });
    await watched.until('there are GPUs again', recovered('gpu', hasGpus));
    await watched.hasLogged('gpu', [...exited, 'sample failed timeout', 'observable recovered']);

    nvidiaSmi.behave({ stops: true, ignoresSigterm: true });
    await watched.until('it is seen that it hangs', (page) => !hasGpus(page));
    assert.equal(sink.exports, 0);
    assert.deepEqual(await watched.gateway.stop(), { code: 0, signal: null });
    assert.equal(sink.exports, 1, 'the last export went out');
    assert.deepEqual(nvidiaSmi.running(), []);
  });

  it('goes on when files of the host cannot be read, are malformed or missing, with the readings of all others', async (test) => {
    const tree = createTree({ test, like: SERVER });
    const host = { backend: 'procfs', root: tree.root, ...OFTEN, filesystems: { excluded: ['*'] } };
    const watched = await start(test, { observables: { host } });
    /** Each takes the place of the file at once, so that there is no moment without either. */
    const replace = (path: string, create: (path: string) => void): void => {
      const other = join(tree.root, 'other', path);
      mkdirSync(dirname(other), { recursive: true });
      create(other);
      renameSync(other, join(tree.root, path));
    };
    const faults = [
      { group: 'host.memory', path: 'proc/meminfo', metric: 'system_memory_usage_bytes', reason: 'unreadable' },
      { group: 'host.paging', path: 'proc/vmstat', metric: 'system_paging_faults_total', reason: 'malformed' },
      { group: 'host.cpu', path: 'proc/stat', metric: 'system_cpu_time_seconds_total', reason: 'missing' },
    ];
    const breakFile: Record<string, (path: string) => void> = {
      // Not even root can read a link to itself.
      unreadable: (path) => replace(path, (at) => symlinkSync('meminfo', at)),
      malformed: (path) => replace(path, (at) => writeFileSync(at, 'garbage\n')),
      missing: (path) => rmSync(join(tree.root, path)),
    };
    const whole = await watched.until('all is read', (page) =>
      faults.every(({ metric }) => page.series(metric).length > 0),
    );

    for (const { path, reason } of faults) breakFile[reason]?.(path);
    for (const { group, metric, reason } of faults) {
      const isThere = (page: Page): boolean => page.series(metric).length > 0;
      const page = await watched.until(`${metric} is absent`, failed(group, reason, isThere));
      assert.ok(page.series('system_network_io_bytes_total').length > 0);
    }
    await watched.lookFor(2_000, (page) => faults.every(({ metric }) => page.series(metric).length === 0));
    for (const { path } of faults) {
      const text = readFileSync(join(SERVER, path), 'utf8');
      replace(path, (at) => writeFileSync(at, text));
    }
    for (const { group, metric, reason } of faults) {
      const page = await watched.until(
        `${metric} is there again`,
        recovered(group, (found) => found.series(metric).length > 0),
      );
      assert.deepEqual(page.series(metric), whole.series(metric));
      await watched.hasLogged(group, [`sample failed ${reason}`, 'observable recovered']);
    }
  });

  it('shows the same whatever the wall clock does', async (test) => {
    const nvidiaSmi = createFakeNvidiaSmi('h100x2.csv');
    test.after(() => nvidiaSmi.remove());
    const clock = new URL('../support/jumping-clock.ts', import.meta.url).href;
    const observables = { ...EVERYTHING, gpu: gpuOf(nvidiaSmi) };
    const watched = await start(test, { observables }, ['--import', clock]);
    const isWhole = (page: Page): boolean => USED_SINCE.every((name) => page.series(name).length > 0);
    let before = await watched.until('there have been two samples of each', isWhole);
    const startMs = performance.now();
    const wallTimes = new Set<string>();
    while (performance.now() - startMs < 5_000 || wallTimes.size < 3) {
      await sleep(50);
      const page = await watched.look();
      assertSteady(before, page);
      before = page;
      wallTimes.add((await lastSuccessOf(watched.gateway, 'host.cpu')).slice(0, 'YYYY-MM-DDTHH'.length));
    }
    assert.equal(before.sum('metergate_observable_errors_total'), 0);

    process.kill(nvidiaSmi.running()[0] ?? NaN, 'SIGKILL');
    const hasGpus = (page: Page): boolean => page.series('hw_gpu_utilization_ratio').length > 0;
    await watched.until('it is seen that it was killed', failed('gpu', 'exited', hasGpus));
    await watched.until('it was started again', recovered('gpu', hasGpus));
    assert.equal(nvidiaSmi.starts().length, 2);
  });

  it('starts no process once it has started', async (test) => {
    const watched = await start(test, { observables: EVERYTHING });
    const before = childrenOf(watched.gateway.process.pid);
    // GPUs that are not there are looked for again after 15 s, at this interval.
    for (let seconds = 0; seconds < 17; seconds++) {
      await sleep(1_000);
      await watched.look();
      assert.deepEqual(childrenOf(watched.gateway.process.pid), before);
    }
  });
});

type NvidiaSmi = ReturnType<typeof createFakeNvidiaSmi>;

function gpuOf({ path }: NvidiaSmi) {
  return { ...OFTEN, enabled: true, backend: 'nvidia-smi', nvidia_smi: { path } };
}

/** A page of the metrics. */
interface Page {
  /** Lines of one name, labels and value: those that have all of `labels`. */
  series(
    name: string,
    labels?: Readonly<Record<string, string>>,
  ): readonly (readonly [labels: string, value: number])[];
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
  /** Names of all that can only grow. */
  readonly counters: readonly string[];
}

interface Watched {
  readonly gateway: RunningGateway;
  /** One request, which is served, and one scrape. */
  look(): Promise<Page>;
  /** Looks for so long, and each page is as it should be. */
  lookFor(ms: number, condition: (page: Page) => boolean): Promise<void>;
  /** Looks until a page is as it should be, and gives that. */
  until(what: string, condition: (page: Page) => boolean): Promise<Page>;
  /** All that the log says of a group of readings: messages, with the reason of failures. What was logged may come later than a page. */
  hasLogged(group: string, lines: readonly string[]): Promise<void>;
}

async function start(test: TestContext, config: Record<string, unknown>, nodeArgs?: string[]): Promise<Watched> {
  const upstream = createServer((_, response) => void response.end('{}'));
  await new Promise<void>((listening) => void upstream.listen(0, '127.0.0.1', listening));
  test.after(() => upstream.close());
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const gateway = await startGateway({ upstreams: [{ name: 'iris', url }], ...config }, nodeArgs);
  test.after(() => gateway.stop());

  const look = async (): Promise<Page> => {
    const [request, scrape] = await Promise.all([
      fetch(`${gateway.urls.inference}/v2/health/live`),
      fetch(`${gateway.urls.metrics}/metrics`),
    ]);
    assert.deepEqual([request.status, await request.text(), scrape.status], [200, '{}', 200]);
    return pageOf(await scrape.text());
  };
  return {
    gateway,
    look,
    until: async (what, condition) => {
      try {
        return await eventually(async () => {
          const page = await look();
          return condition(page) ? page : undefined;
        });
      } catch (error) {
        throw new Error(`waited in vain until ${what}; the log:\n${gateway.process.stderr()}`, { cause: error });
      }
    },
    lookFor: async (ms, condition) => {
      for (const endMs = performance.now() + ms; performance.now() < endMs;) {
        await sleep(100);
        assert.ok(condition(await look()));
      }
    },
    hasLogged: async (group, expected) => {
      const logged = () => linesOf(gateway.process.stderr(), group);
      await until('it was logged', () => logged().length >= expected.length);
      assert.deepEqual(logged(), expected);
    },
  };
}

function linesOf(log: string, group: string): string[] {
  return log
    .split('\n')
    .filter((line) => line.endsWith('}') && line.includes(`"metergate.observable":"${group}"`))
    .map((line) => JSON.parse(line) as { msg: string; 'error.type'?: string })
    .map(({ msg, 'error.type': reason }) => (reason === undefined ? msg : `${msg} ${reason}`));
}

function pageOf(text: string): Page {
  const lines = [...text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)];
  const series: Page['series'] = (name, wanted = {}) =>
    lines.flatMap(([, found, labels = '', value]) => {
      const isWanted = Object.entries(wanted).every(([key, each]) => labels.includes(`${key}="${each}"`));
      return found === name && isWanted ? [[labels, Number(value)] as const] : [];
    });
  return {
    series,
    sum: (name, labels) => series(name, labels).reduce((sum, [, value]) => sum + value, 0),
    counters: [...text.matchAll(/^# TYPE (\w+) counter$/gm)].map(([, name = '']) => name),
  };
}

/** The readings are gone, and a metric says why. */
function failed(group: string, reason: string, isThere: (page: Page) => boolean) {
  const labels = { metergate_observable: group, error_type: reason };
  return (page: Page): boolean =>
    !isThere(page) &&
    page.sum('metergate_observable_errors_total', labels) > 0 &&
    page.sum('metergate_observable_sample_success', { metergate_observable: group }) === 0 &&
    page.series('metergate_observable_sample_age_seconds', { metergate_observable: group }).length === 0;
}

function recovered(group: string, isThere: (page: Page) => boolean) {
  return (page: Page): boolean =>
    isThere(page) && page.sum('metergate_observable_sample_success', { metergate_observable: group }) === 1;
}

/** What is there only from the second sample on: a share of the time between two of them. */
const USED_SINCE = [
  ...['system_cpu_utilization_ratio', 'process_cpu_utilization_ratio', 'nodejs_eventloop_utilization_ratio'],
  ...['nodejs_eventloop_delay_max_seconds', 'system_filesystem_usage_bytes', 'hw_gpu_utilization_ratio'],
];

/** In seconds: an hour, by which the clock jumps, is far more, and what a busy machine makes of intervals of 250 ms is far less. */
const MOST_SECONDS = 600;

function assertSteady(before: Page, page: Page): void {
  for (const name of USED_SINCE) assert.ok(page.series(name).length > 0, `${name} is there`);
  for (const name of USED_SINCE.filter((each) => each.endsWith('utilization_ratio'))) {
    for (const [labels, value] of page.series(name)) assert.ok(value >= 0 && value <= 1, `${name}{${labels}} ${value}`);
  }
  const ofTime = ['sample_age', 'sample_duration'].map((each) => `metergate_observable_${each}_seconds`);
  for (const name of [...ofTime, 'nodejs_eventloop_delay_max_seconds', 'process_uptime_seconds']) {
    assert.ok(page.series(name).length > 0, `${name} is there`);
    for (const [labels, value] of page.series(name)) {
      assert.ok(value >= 0 && value < MOST_SECONDS, `${name}{${labels}} ${value}`);
    }
  }
  for (const name of page.counters) {
    const earlier = new Map(before.series(name));
    for (const [labels, value] of page.series(name)) {
      const grown = value - (earlier.get(labels) ?? value);
      assert.ok(grown >= 0, `${name}{${labels}} fell by ${-grown}`);
      if (!name.endsWith('_seconds_total')) continue;
      assert.ok(grown < MOST_SECONDS * availableParallelism(), `${name}{${labels}} grew by ${grown}`);
    }
  }
}

async function lastSuccessOf({ urls }: RunningGateway, group: string): Promise<string> {
  const status = (await (await fetch(`${urls.management}/status`)).json()) as {
    parts: { observables: Record<string, { lastSuccess: string }> };
  };
  return status.parts.observables[group]?.lastSuccess ?? '';
}

interface Children {
  readonly running: readonly number[];
  /** A number that grows with each that has ended: their page faults. */
  readonly ended: number;
}

/** The children of a process, theirs and so on. Source: proc_pid_stat(5), field 11 */
function childrenOf(pid: number): Children {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    (readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').match(/\d+/g) ?? []).map(Number),
  );
  const below = children.map(childrenOf);
  return {
    running: [...children, ...below.flatMap(({ running }) => running)],
    ended: below.reduce(
      (sum, { ended }) => sum + ended,
      Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[11 - 3]),
    ),
  };
}
