import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createHealth } from '../../../src/serving/proxy/health.ts';
import { createReplicas, type Replica, type Replicas } from '../../../src/serving/proxy/replicas.ts';

interface Spec {
  readonly inFlight?: number;
  readonly unhealthy?: boolean;
}

/** Replicas that are asked nothing, on a clock that the test sets. */
function createSubject(specs: readonly Spec[]) {
  const clock = { nowMs: 0 };
  const all = specs.map(({ inFlight = 0, unhealthy = false }, n) => {
    const health = createHealth({ unhealthyAfter: 1, backoffMaxMs: 30_000, onChange: () => {} });
    if (unhealthy) health.failed(0);
    return { url: new URL(`http://127.0.0.1:${n + 1}`), health, inFlight } as Replica;
  });
  const replicas = createReplicas(all, () => clock.nowMs);
  const indexOf = (replica: Replica | undefined): number => (replica ? all.indexOf(replica) : -1);
  return { all, replicas, clock, pick: (except?: number) => indexOf(replicas.pick(all[except ?? -1])) };
}

/** How often each was chosen when each request is over before the next one comes. */
function turns(replicas: Replicas, picks: number, except?: Replica): number[] {
  const chosen = replicas.all.map(() => 0);
  for (let n = 0; n < picks; n++) {
    const replica = replicas.pick(except);
    assert.ok(replica);
    const at = replicas.all.indexOf(replica);
    chosen[at] = (chosen[at] ?? 0) + 1;
  }
  return chosen;
}

const choices: Record<string, { replicas: Spec[]; except?: number; picks: number }> = {
  'the one with the fewest in flight': { replicas: [{ inFlight: 3 }, { inFlight: 1 }, { inFlight: 2 }], picks: 1 },
  'also when it is the last': { replicas: [{ inFlight: 3 }, { inFlight: 2 }, { inFlight: 0 }], picks: 2 },
  'not the one that is out, however idle': { replicas: [{ unhealthy: true }, { inFlight: 100 }], picks: 1 },
  'not the one that was tried': { replicas: [{ inFlight: 0 }, { inFlight: 9 }], except: 0, picks: 1 },
  'one that is out rather than the one that was tried': {
    replicas: [{ inFlight: 9, unhealthy: true }, {}],
    except: 1,
    picks: 0,
  },
  'of those that are all out, the one with the fewest': {
    replicas: [
      { inFlight: 2, unhealthy: true },
      { inFlight: 1, unhealthy: true },
    ],
    picks: 1,
  },
  'the only one': { replicas: [{ inFlight: 9 }], picks: 0 },
  'the only one, though it is out': { replicas: [{ unhealthy: true }], picks: 0 },
  'none, if the only one was tried': { replicas: [{}], except: 0, picks: -1 },
};
for (const [name, { replicas, except, picks }] of Object.entries(choices)) {
  test(`asks ${name}`, () => {
    const subject = createSubject(replicas);
    for (let turn = 0; turn < 10; turn++) assert.equal(subject.pick(except), picks);
  });
}

const evens: Record<string, { replicas: Spec[]; except?: number; chosen: number[] }> = {
  'all that are idle': { replicas: [{}, {}, {}], chosen: [200, 200, 200] },
  'all that are as busy': { replicas: [{ inFlight: 7 }, { inFlight: 7 }], chosen: [300, 300] },
  'those that are well, when one is out': { replicas: [{ unhealthy: true }, {}, {}], chosen: [0, 300, 300] },
  'those that are least busy, when one is busier': { replicas: [{}, { inFlight: 1 }, {}], chosen: [300, 0, 300] },
  'those that are left, when one was tried': { replicas: [{}, {}, {}], except: 2, chosen: [300, 300, 0] },
  'all that are out, when all are': { replicas: [{ unhealthy: true }, { unhealthy: true }], chosen: [300, 300] },
};
for (const [name, { replicas: specs, except, chosen }] of Object.entries(evens)) {
  test(`asks in turn ${name}`, () => {
    const { replicas, all } = createSubject(specs);
    assert.deepEqual(turns(replicas, 600, all[except ?? -1]), chosen);
  });
}

test('one that is out gets a single request when its back-off is over', () => {
  const { pick, clock, all } = createSubject([{ unhealthy: true }, { inFlight: 5 }]);
  clock.nowMs = 999;
  assert.equal(pick(), 1);
  clock.nowMs = 1_000;
  assert.equal(pick(), 0);
  assert.ok(all[0]);
  all[0].inFlight++;
  assert.deepEqual([pick(), pick()], [1, 1]);
  all[0].health.answered();
  assert.equal(pick(), 0);
});

test('a request that one refused goes to one that is well, though another is to show that it is back', () => {
  const { pick, clock } = createSubject([{ unhealthy: true }, { unhealthy: true }, { inFlight: 5 }]);
  clock.nowMs = 1_000;
  const first = pick();
  assert.notEqual(first, 2);
  assert.equal(pick(first), 2);
});

test('whatever they have in flight and whichever are out: the least busy of those that may be asked', () => {
  const specs = fc.array(fc.record({ inFlight: fc.nat(4), unhealthy: fc.boolean() }), { minLength: 2, maxLength: 6 });
  fc.assert(
    fc.property(specs, fc.nat(20), fc.nat(7), (given, before, tried) => {
      const { replicas, all } = createSubject(given);
      for (let n = 0; n < before; n++) replicas.pick();
      const except = all[tried];
      const picked = replicas.pick(except);
      assert.ok(picked && picked !== except);
      const others = all.filter((each) => each !== except);
      const well = others.filter(({ health }) => health.healthy);
      const candidates = well.length > 0 ? well : others;
      assert.ok(candidates.includes(picked));
      assert.equal(picked.inFlight, Math.min(...candidates.map(({ inFlight }) => inFlight)));
    }),
    { numRuns: 2_000 },
  );
});
