import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { createObservables } from '../../src/observables/index.ts';
import { observeKnown, type ObservableGroup } from '../../src/observables/observable.ts';
import { deadlineIn } from '../../src/std/deadline.ts';
import { createTelemetry } from './telemetry.ts';

const GAUGE = 'process.uptime';
const ERRORS = 'metergate.observable.errors';
const DURATION = 'metergate.observable.sample.duration';
const HOUR_MS = 3_600_000;

/** A group with one gauge, whose samples are what `read` gives. */
function groupOf(name: string, read: (nth: number) => Promise<number>) {
  const calls = { samples: 0, registrations: 0, atOnce: 0, mostAtOnce: 0 };
  const group: ObservableGroup<{ value: number }> = {
    name,
    sample: async () => {
      calls.mostAtOnce = Math.max(calls.mostAtOnce, ++calls.atOnce);
      try {
        return { value: await read(++calls.samples) };
      } finally {
        calls.atOnce--;
      }
    },
    register: (instruments, latest) => {
      calls.registrations++;
      instruments.observe(GAUGE, (observe) => observeKnown(observe, latest()?.value, { name }));
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
    assert.deepEqual(metrics[ERRORS], { bad: 1 });
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
    const group: ObservableGroup<object> = {
      name: 'throwing',
      sample: () => {
        throw new Error('at once');
      },
      register: () => undefined,
    };
    const observables = createObservables({ ...telemetry, groups: [{ group, intervalMs: HOUR_MS }] });
    await observables.start();
    assert.deepEqual((await telemetry.collect())[ERRORS], { throwing: 1 });
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
      errors += metrics[ERRORS]?.hanging ?? 0;
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

  it('registers and samples once when it is started twice', async () => {
    const telemetry = createTelemetry();
    const { group, calls } = groupOf('once', () => Promise.resolve(1));
    const observables = createObservables({ ...telemetry, groups: [{ group, intervalMs: HOUR_MS }] });
    await Promise.all([observables.start(), observables.start()]);
    await observables.start();
    assert.deepEqual(calls, { samples: 1, registrations: 1, atOnce: 0, mostAtOnce: 1 });
    await observables.shutdown(soon());
  });

  it('shuts down without a start, and takes no sample afterwards', async () => {
    const telemetry = createTelemetry();
    const { group, calls } = groupOf('never', () => Promise.resolve(1));
    const before = timers();
    const observables = createObservables({
      ...telemetry,
      groups: [{ group, intervalMs: 1 }],
      host: { intervalMs: 1 },
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

  it('turns on only the groups that it was given a schedule for', async () => {
    const telemetry = createTelemetry();
    assert.deepEqual(createObservables(telemetry).status(), {});
    const schedule = { intervalMs: HOUR_MS };
    const all = createObservables({ ...telemetry, host: schedule, process: schedule });
    assert.deepEqual(Object.keys(all.status()), ['host.cpu', 'host.memory', 'process']);
    assert.deepEqual(Object.keys(createObservables({ ...telemetry, host: undefined, process: schedule }).status()), [
      'process',
    ]);
    await all.start();
    const metrics = await telemetry.collect();
    assert.deepEqual(Object.keys(metrics[DURATION] ?? {}), ['host.cpu', 'host.memory', 'process']);
    await all.shutdown(soon());
    assert.deepEqual(telemetry.lines(), []);
  });
});
