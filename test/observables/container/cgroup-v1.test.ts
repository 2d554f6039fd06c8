import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../../support/until.ts';
import type { Sampled } from '../host/sample.ts';

const CONTROLLERS = ['cpu', 'cpuacct', 'memory', 'pids'] as const;
type Controller = (typeof CONTROLLERS)[number];

const LIMITS: readonly [Controller, file: string, value: number][] = [
  ['memory', 'memory.limit_in_bytes', 256 * 1024 ** 2],
  ['cpu', 'cpu.cfs_period_us', 100_000],
  ['cpu', 'cpu.cfs_quota_us', 50_000],
  ['pids', 'pids.max', 64],
];

/** The kernel adds up memory per CPU, and late. */
const MEMORY_TOLERANCE_BYTES = 16 * 1024 ** 2;

/** Below the control groups that this process is in, so that it stays under their limits. */
function directoryOf(controller: Controller): string {
  const own = new RegExp(`^\\d+:${controller}:(.*)$`, 'm').exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  if (own === undefined) throw new Error(`there is no hierarchy of version 1 for ${controller} alone`);
  return `/sys/fs/cgroup/${controller}${own === '/' ? '' : own}/metergate-test-${process.pid}`;
}

function makeCgroups(): void {
  for (const controller of CONTROLLERS) mkdirSync(directoryOf(controller));
  for (const [controller, file, value] of LIMITS) writeFileSync(`${directoryOf(controller)}/${file}`, String(value));
}

function removeCgroups(): void {
  for (const directory of CONTROLLERS.map(directoryOf)) {
    if (existsSync(directory)) rmdirSync(directory);
  }
}

/** Puts itself into the control groups, and then becomes a program whose memory is charged to them from the start. */
function enterAndRun(...program: readonly string[]): [command: string, args: string[]] {
  const enter =
    'n=$1; shift; while [ $n -gt 0 ]; do echo $$ >"$1/cgroup.procs" || exit 1; shift; n=$((n-1)); done; exec "$@"';
  return ['sh', ['-c', enter, 'sh', String(CONTROLLERS.length), ...CONTROLLERS.map(directoryOf), ...program]];
}

function whyNot(): string | undefined {
  try {
    CONTROLLERS.forEach(directoryOf);
    try {
      makeCgroups();
      const { status, stderr } = spawnSync(...enterAndRun('true'), { encoding: 'utf8' });
      return status === 0 ? undefined : `no process can be put into a control group here: ${stderr}`;
    } finally {
      removeCgroups();
    }
  } catch (error) {
    return `no control groups of version 1 with limits can be made here: ${(error as Error).message}`;
  }
}

const text = (controller: Controller, file: string) => readFileSync(`${directoryOf(controller)}/${file}`, 'utf8');
const number = (controller: Controller, file: string) => Number(text(controller, file));
const keyed = (controller: Controller, file: string, key: string) =>
  Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(text(controller, file))?.[1]);

/** What the kernel counts, as this test reads it from outside of the control group. */
function counters() {
  return {
    atSeconds: performance.now() / 1000,
    cpuSeconds: number('cpuacct', 'cpuacct.usage') / 1e9,
    userSeconds: keyed('cpuacct', 'cpuacct.stat', 'user') / 100,
    systemSeconds: keyed('cpuacct', 'cpuacct.stat', 'system') / 100,
    periods: keyed('cpu', 'cpu.stat', 'nr_periods'),
    throttledPeriods: keyed('cpu', 'cpu.stat', 'nr_throttled'),
    throttledSeconds: keyed('cpu', 'cpu.stat', 'throttled_time') / 1e9,
    minorFaults: keyed('memory', 'memory.stat', 'total_pgfault') - keyed('memory', 'memory.stat', 'total_pgmajfault'),
    memoryBytes: number('memory', 'memory.usage_in_bytes'),
    rssBytes: keyed('memory', 'memory.stat', 'total_rss'),
    tasks: number('pids', 'pids.current'),
  };
}

function assertBetween(what: string, value: number | undefined, bounds: readonly number[], tolerance = 0): void {
  const [low, high] = [Math.min(...bounds) - tolerance, Math.max(...bounds) + tolerance];
  assert.ok(value !== undefined && value >= low && value <= high, `${what}: ${value} is not in [${low}, ${high}]`);
}

describe('container in a control group with limits', { skip: whyNot() ?? false }, () => {
  let child: ChildProcess;

  const ask = async (what: string): Promise<unknown> => {
    child.send(what);
    const [{ done }] = (await once(child, 'message')) as [{ done: unknown }];
    return done;
  };
  /** A sample, and what the kernel counted right before and after it. */
  const sample = async () => {
    const earlier = counters();
    const { values, reports } = (await ask('sample')) as Sampled;
    assert.deepEqual(reports, []);
    return { earlier, later: counters(), value: (name: string, key = '') => values[`container.${name}`]?.[key] };
  };

  before(async () => {
    makeCgroups();
    const program = fileURLToPath(new URL('in-cgroup.ts', import.meta.url));
    child = spawn(...enterAndRun(process.execPath, program), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    await once(child, 'message');
  });

  after(async () => {
    child.kill('SIGKILL');
    await once(child, 'close');
    const isEmpty = (controller: Controller) => text(controller, 'cgroup.procs') === '';
    await until('nobody is in the control groups', () => CONTROLLERS.every(isEmpty));
    removeCgroups();
  });

  it('shows the limits', async () => {
    const { value } = await sample();
    assert.equal(value('memory.limit'), 256 * 1024 ** 2);
    assert.equal(value('cpu.limit'), 0.5);
    assert.equal(value('task.limit'), 64);
  });

  it('shows what the kernel counts (tolerance of memory: 16 MiB, of tasks: 4)', async () => {
    const { earlier, later, value } = await sample();
    assertBetween('usage', value('memory.usage'), [earlier.memoryBytes, later.memoryBytes], MEMORY_TOLERANCE_BYTES);
    assertBetween('rss', value('memory.rss'), [earlier.rssBytes, later.rssBytes], MEMORY_TOLERANCE_BYTES);
    const [usage = NaN, workingSet = NaN] = [value('memory.usage'), value('memory.working_set')];
    assertBetween('working set', workingSet, [value('memory.rss') ?? NaN, usage]);
    assert.equal(value('memory.available'), 256 * 1024 ** 2 - workingSet);
    assertBetween('tasks', value('task.count'), [earlier.tasks, later.tasks], 4);
    const faults = value('paging.faults', 'minor');
    assertBetween('minor faults', faults, [earlier.minorFaults, later.minorFaults]);
  });

  it('shows that it is throttled, and how many CPUs it used', async () => {
    let idle = await sample();
    let busy = idle;
    // On a machine with much else to do, it may not get what it would be throttled at.
    await until('it is throttled', async () => {
      idle = busy;
      await ask('burn');
      busy = await sample();
      return (busy.value('cpu.throttling.periods') ?? 0) > (idle.value('cpu.throttling.periods') ?? NaN);
    });
    for (const [metric, counter] of [
      ['cpu.periods', 'periods'],
      ['cpu.throttling.periods', 'throttledPeriods'],
      ['cpu.throttling.time', 'throttledSeconds'],
    ] as const) {
      assertBetween(metric, busy.value(metric), [busy.earlier[counter], busy.later[counter]]);
    }

    const { earlier, later, value } = busy;
    assertBetween('user', value('cpu.time', 'user'), [earlier.userSeconds, later.userSeconds]);
    assertBetween('system', value('cpu.time', 'system'), [earlier.systemSeconds, later.systemSeconds]);
    const least = (earlier.cpuSeconds - idle.later.cpuSeconds) / (later.atSeconds - idle.earlier.atSeconds);
    const most = (later.cpuSeconds - idle.earlier.cpuSeconds) / (earlier.atSeconds - idle.later.atSeconds);
    assertBetween('cpu.usage', value('cpu.usage'), [least, most]);
  });

  it('counts a process that is killed because memory ran out', async () => {
    const earlier = (await sample()).value('memory.oom_kills');
    assert.equal(await ask('exhaust'), 'SIGKILL');
    const { value } = await sample();
    assert.equal(value('memory.oom_kills'), (earlier ?? NaN) + 1);
    assert.equal(value('memory.oom_kills'), keyed('memory', 'memory.oom_control', 'oom_kill'));
  });
});
