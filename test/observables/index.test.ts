import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { createObservables, type ObservablesOptions } from '../../src/observables/index.ts';
import type { ObservableGroup } from '../../src/observables/observable.ts';
import { parseConfig } from '../../src/config/index.ts';
import { deadlineIn } from '../../src/std/deadline.ts';
import { createTelemetry } from './telemetry.ts';

const GAUGE = 'process.uptime';
const ERRORS = 'metergate.observable.errors';
const DURATION = 'metergate.observable.sample.duration';
const HOUR_MS = 3_600_000;

/** A group with one gauge, whose samples are what `read` gives. */
function groupOf(name: string, read: (nth: number) => Promise<number>) {
  const calls = { samples: 0, atOnce: 0, mostAtOnce: 0, closed: 0 };
  const group: ObservableGroup = {
    name,
    instruments: [GAUGE],
    sample: async (into) => {
      calls.mostAtOnce = Math.max(calls.mostAtOnce, ++calls.atOnce);
      try {
        into.write(GAUGE, await read(++calls.samples), { name });
      } finally {
        calls.atOnce--;
      }
    },
    close: () => {
      calls.closed++;
    },
  };
  return { group, calls };
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await sleep(2);
};
const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
const soon = () => deadlineIn(5000);
const gauge = (metrics: Record<string, Record<string, number>>) => metrics[GAUGE] ?? {};

/** As the configuration has them by default, but for the GPUs, which are made up. */
const SCHEDULES = defaults();

function defaults() {
  const text = 'upstreams: [{ name: a, url: "http://h" }]\nobservables: { gpu: { backend: simulated } }';
  const result = parseConfig({ text, source: '', env: {}, readFile: () => '' });
  assert.ok(result.ok);
  const { host, container, process, gpu } = result.config.observables;
  return { host, container, process, gpu };
}

describe('observables', () => {
  it('exports the first readings, and a true 0, as soon as it has started', async () => {
    const telemetry = createTelemetry();
    const { group } = groupOf('idle', () => Promise.resolve(0));
    const observables = createObservables({ ...telemetry, groups: [{ group, intervalMs: HOUR_MS }] });
    assert.equal(observables.ready(), false);
    await observables.start();
    assert.equal(observables.ready(), true);

    const metrics = await telemetry.collect();
    assert.deepEqual(gauge(metrics), { idle: 0 });
    assert.deepEqual(Object.keys(metrics[DURATION] ?? {}), ['idle']);
    await observables.shutdown(soon());
    assert.equal(observables.ready(), false);
  });

  it('samples again every interval and never in a collection', async () => {
    const telemetry = createTelemetry();
    const { group, calls } = groupOf('counting', (nth) => Promise.resolve(nth));
    const observables = createObservables({ ...telemetry, groups: [{ group, intervalMs: 5 }] });
    await observables.start();
    await until(() => calls.samples >= 3);
    await observables.shutdown(soon());

    const { samples } = calls;
    assert.deepEqual(gauge(await telemetry.collect()), { counting: samples });
    await telemetry.collect();
    assert.equal(calls.samples, samples);
  });

  it('starts although a group fails, and keeps the others', async () => {
    const telemetry = createTelemetry();
    const { group: good } = groupOf('good', () => Promise.resolve(1));
    const { group: bad } = groupOf('bad', () => Promise.reject(new Error('no such device')));
    const groups = [good, bad].map((group) => ({ group, intervalMs: HOUR_MS }));
    const observables = createObservables({ ...telemetry, groups });
    await observables.start();

    const metrics = await telemetry.collect();
    assert.deepEqual(gauge(metrics), { good: 1 });
    assert.deepEqual(metrics[ERRORS], { 'other bad': 1 });
    assert.deepEqual(telemetry.lines(), ['warn sample failed bad']);
    const status = observables.status() as Record<string, { lastSuccess: unknown; lastError: { message?: unknown } }>;
    assert.equal(status.bad?.lastSuccess, null);
    assert.equal(status.bad.lastError.message, 'no such device');
    assert.match(String(status.good?.lastSuccess), /^\d{4}-.*Z$/);
    assert.equal(status.good?.lastError, null);
    await observables.shutdown(soon());
  });

  it('takes a group that throws instead of rejecting for a failed one', async () => {
    const telemetry = createTelemetry();
    const group: ObservableGroup = {
      name: 'throwing',
      instruments: [],
      sample: () => {
        throw new Error('at once');
      },
    };
    const observables = createObservables({ ...telemetry, groups: [{ group, intervalMs: HOUR_MS }] });
    await observables.start();
    assert.deepEqual((await telemetry.collect())[ERRORS], { 'other throwing': 1 });
    await observables.shutdown(soon());
  });

  it('exports nothing after a failed sample until one succeeds', async () => {
    const telemetry = createTelemetry();
    let step = Promise.withResolvers<number>();
    const { group, calls } = groupOf('flapping', () => step.promise);
    const observables = createObservables({ ...telemetry, groups: [{ group, intervalMs: 1 }] });
    const seen: Record<string, number>[] = [];
    const next = async (settle: () => void) => {
      settle();
      step = Promise.withResolvers<number>();
      const { samples } = calls;
      await until(() => calls.samples > samples);
      seen.push(gauge(await telemetry.collect()));
    };
    const started = observables.start();
    await until(() => calls.samples === 1);
    await next(() => step.resolve(7));
    await next(() => step.reject(new Error('gone')));
    await next(() => step.resolve(8));
    step.resolve(9);
    await started;
    await observables.shutdown(soon());

    assert.deepEqual(seen, [{ flapping: 7 }, {}, { flapping: 8 }]);
    assert.deepEqual(telemetry.lines(), ['warn sample failed flapping', 'info observable recovered flapping']);
  });

  it('gives up a sample that hangs, starts none beside it, drops what it says late, and goes on when it has ended', async () => {
    const telemetry = createTelemetry();
    const hang = Promise.withResolvers<number>();
    const { group, calls } = groupOf('hanging', (nth) => (nth === 1 ? hang.promise : Promise.resolve(nth)));
    const groups = [{ group, intervalMs: 2 }];
    const observables = createObservables({ ...telemetry, groups, sampleTimeoutMs: 10, startWaitMs: 20 });
    await observables.start();

    let errors = 0;
    while (errors < 3) {
      const metrics = await telemetry.collect();
      errors += metrics[ERRORS]?.['timeout hanging'] ?? 0;
      assert.deepEqual(gauge(metrics), {});
      await sleep(2);
    }
    assert.equal(calls.samples, 1);

    hang.resolve(-1);
    await until(() => calls.samples >= 3);
    await observables.shutdown(soon());
    assert.ok((gauge(await telemetry.collect()).hanging ?? 0) >= 2);
    assert.equal(calls.mostAtOnce, 1);
  });

  it('never samples a group beside itself when a sample takes longer than the interval', async () => {
    const telemetry = createTelemetry();
    const { group, calls } = groupOf('slow', (nth) => sleep(10, nth));
    const observables = createObservables({ ...telemetry, groups: [{ group, intervalMs: 1 }] });
    await observables.start();
    await until(() => calls.samples >= 4);
    await observables.shutdown(soon());
    assert.equal(calls.mostAtOnce, 1);
    assert.deepEqual(telemetry.lines(), []);
  });

  it('samples once when it is started twice', async () => {
    const telemetry = createTelemetry();
    const { group, calls } = groupOf('once', () => Promise.resolve(1));
    const observables = createObservables({ ...telemetry, groups: [{ group, intervalMs: HOUR_MS }] });
    await Promise.all([observables.start(), observables.start()]);
    await observables.start();
    assert.equal(calls.samples, 1);
    assert.deepEqual(gauge(await telemetry.collect()), { once: 1 });
    await observables.shutdown(soon());
  });

  it('shuts down without a start, and takes no sample afterwards', async () => {
    const telemetry = createTelemetry();
    const { group, calls } = groupOf('never', () => Promise.resolve(1));
    const before = timers();
    const observables = createObservables({
      ...telemetry,
      groups: [{ group, intervalMs: 1 }],
      ...SCHEDULES,
    });
    await observables.shutdown(soon());
    await observables.shutdown(soon());
    await observables.start();
    assert.equal(calls.samples, 0);
    assert.equal(timers(), before);
  });

  it('waits for the running sample at shutdown, and keeps its readings for the last export', async () => {
    const telemetry = createTelemetry();
    const { group } = groupOf('last', (nth) => (nth === 1 ? Promise.resolve(1) : sleep(20, nth)));
    const before = timers();
    const observables = createObservables({ ...telemetry, groups: [{ group, intervalMs: 1 }] });
    await observables.start();
    await sleep(10);
    await observables.shutdown(soon());
    assert.ok((gauge(await telemetry.collect()).last ?? 0) >= 2);
    assert.equal(timers(), before);
  });

  it('leaves a hanging sample alone at the deadline of the shutdown, and no timer with it', async () => {
    const telemetry = createTelemetry();
    const { group } = groupOf('stuck', () => new Promise<number>(() => undefined));
    const groups = [{ group, intervalMs: 1 }];
    const before = timers();
    const observables = createObservables({ ...telemetry, groups, sampleTimeoutMs: HOUR_MS, startWaitMs: 1 });
    await observables.start();
    await observables.shutdown(deadlineIn(5));
    assert.equal(timers(), before);
    assert.deepEqual(telemetry.lines(), []);
  });

  it('closes every group at shutdown, also when closing one fails', async () => {
    const telemetry = createTelemetry();
    const { group: broken } = groupOf('broken', () => Promise.resolve(1));
    const { group: slow, calls } = groupOf('slow', () => Promise.resolve(1));
    const groups = [
      { ...broken, close: () => Promise.reject(new Error('cannot close')) },
      {
        ...slow,
        close: async () => {
          await sleep(20);
          calls.closed++;
        },
      },
    ].map((group) => ({ group, intervalMs: HOUR_MS }));
    const observables = createObservables({ ...telemetry, groups });
    await observables.start();
    await observables.shutdown(soon());
    assert.equal(calls.closed, 1);
    assert.deepEqual(telemetry.lines(), ['error observable not closed broken']);
  });

  it('ends its shutdown, though a group does not close, when much time is left for the last export', async () => {
    const group: ObservableGroup = {
      name: 'stuck',
      instruments: [],
      sample: () => new Promise(() => {}),
      close: () => new Promise(() => {}),
    };
    const groups = [{ group, intervalMs: HOUR_MS }];
    const observables = createObservables({ ...createTelemetry(), groups, startWaitMs: 1 });
    await observables.start();
    const deadline = deadlineIn(HOUR_MS);
    await observables.shutdown(deadline);
    assert.ok(deadline.remainingMs() > HOUR_MS / 2);
  });

  it('turns on only the groups that it was given a schedule for', async () => {
    const namesOf = async (options: Partial<ObservablesOptions>) => {
      const telemetry = createTelemetry();
      const observables = createObservables({ ...telemetry, ...options, startWaitMs: 0 });
      await observables.start();
      await observables.shutdown(soon());
      return Object.keys(observables.status());
    };
    assert.deepEqual(await namesOf({}), []);
    const { host, container, process, gpu } = SCHEDULES;
    assert.deepEqual(await namesOf({ host: undefined, container }), ['container']);
    assert.deepEqual(await namesOf({ gpu }), ['gpu']);
    const processGroups = await namesOf({ process });
    assert.ok(processGroups.length > 0);
    const hostGroups = await namesOf({ host });
    assert.ok(hostGroups.length > 0 && hostGroups.every((name) => name.startsWith('host.')), hostGroups.join());
    const all = await namesOf(SCHEDULES);
    assert.deepEqual(all, [...hostGroups, 'container', ...processGroups, 'gpu']);
    assert.deepEqual([...new Set(all)], all);
  });

  it('says of each group how long its sample took, how old its readings are and whether all were read', async () => {
    const telemetry = createTelemetry();
    const { group: good } = groupOf('good', () => Promise.resolve(1));
    const { group: bad } = groupOf('bad', () => Promise.reject(new Error('gone')));
    const groups = [good, bad].map((group) => ({ group, intervalMs: HOUR_MS }));
    const observables = createObservables({ ...telemetry, groups });
    await observables.start();
    const metrics = await telemetry.collect();
    assert.deepEqual(Object.keys(metrics[DURATION] ?? {}), ['good', 'bad']);
    assert.deepEqual(Object.keys(metrics['metergate.observable.sample.age'] ?? {}), ['good']);
    assert.deepEqual(metrics['metergate.observable.sample.success'], { good: 1, bad: 0 });
    await observables.shutdown(soon());
  });
});
