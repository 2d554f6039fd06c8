import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPlaces, type Places, type Waiter } from '../../../src/serving/proxy/places.ts';

/** Takes a place for someone whose name is written down when it has one later. */
function arrive(places: Places, name: string, served: string[]): { waiter: Waiter; entry: string } {
  const waiter = { proceed: () => void served.push(name) };
  return { waiter, entry: places.take(waiter) };
}

test('who finds a place has it, who finds none waits, and who finds no room goes', () => {
  const places = createPlaces({ takenMax: 2, waitingMax: 1 });
  const served: string[] = [];
  const entries = ['a', 'b', 'c', 'd'].map((name) => arrive(places, name, served).entry);
  assert.deepEqual(entries, ['taken', 'taken', 'waiting', 'full']);
  assert.deepEqual([places.taken, places.waiting, served], [2, 1, []]);
});

test('a place that is given back goes to the first who waits, and is not free in between', () => {
  const places = createPlaces({ takenMax: 1, waitingMax: 10 });
  const served: string[] = [];
  for (const name of ['a', 'b', 'c']) arrive(places, name, served);
  places.release();
  assert.deepEqual([served, places.taken, places.waiting], [['b'], 1, 1]);
  assert.equal(arrive(places, 'd', served).entry, 'waiting');
  places.release();
  places.release();
  assert.deepEqual([served, places.taken, places.waiting], [['b', 'c', 'd'], 1, 0]);
  places.release();
  assert.deepEqual([places.taken, places.waiting], [0, 0]);
});

test('who leaves the line makes room in it and is passed over, and who is not in it cannot leave', () => {
  const places = createPlaces({ takenMax: 1, waitingMax: 3 });
  const served: string[] = [];
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => arrive(places, name, served).waiter);
  assert.ok(a && b && c && d);
  assert.equal(places.leave(c), true);
  assert.deepEqual([places.leave(c), places.leave(a)], [false, false]);
  assert.equal(arrive(places, 'e', served).entry, 'waiting');
  for (let n = 0; n < 3; n++) places.release();
  assert.deepEqual(served, ['b', 'd', 'e']);
  assert.equal(places.leave(b), false);
});

test('without room to wait, there is a place or there is none', () => {
  const places = createPlaces({ takenMax: 1, waitingMax: 0 });
  assert.deepEqual(
    ['a', 'b'].map((name) => arrive(places, name, []).entry),
    ['taken', 'full'],
  );
  places.release();
  assert.equal(arrive(places, 'c', []).entry, 'taken');
});

test('without a limit nobody waits', () => {
  const places = createPlaces({ takenMax: undefined, waitingMax: 0 });
  for (let n = 0; n < 10_000; n++) assert.equal(arrive(places, 'a', []).entry, 'taken');
  for (let n = 0; n < 10_000; n++) places.release();
  assert.equal(places.taken, 0);
});

test('one that gives its place back as soon as it has it hands it on, however long the line', () => {
  const places = createPlaces({ takenMax: 1, waitingMax: 1_000 });
  let served = 0;
  places.take({ proceed: () => {} });
  for (let n = 0; n < 1_000; n++) {
    places.take({
      proceed: () => {
        served++;
        places.release();
      },
    });
  }
  places.release();
  assert.deepEqual([served, places.taken, places.waiting], [1_000, 0, 0]);
});

interface Move {
  readonly kind: 'take' | 'leave' | 'release';
  readonly which: number;
}
const moves = fc.array(
  fc.record<Move>({ kind: fc.constantFrom('take', 'take', 'leave', 'release'), which: fc.nat(20) }),
  { maxLength: 100, size: 'max' },
);
const limits = fc.record({ takenMax: fc.integer({ min: 1, max: 5 }), waitingMax: fc.nat(5) });

test('whoever comes, leaves and is done in whatever order: first come, first served, within bounds, no place idle', () => {
  const check = (sequence: Move[], { takenMax, waitingMax }: { takenMax: number; waitingMax: number }): void => {
    const places = createPlaces({ takenMax, waitingMax });
    const served: string[] = [];
    const waiters = new Map<string, Waiter>();
    let taken = 0;
    let line: string[] = [];
    let expected: string[] = [];
    const release = (): void => {
      const [next, ...rest] = line;
      places.release();
      if (next === undefined) taken--;
      else expected = [...expected, next];
      line = rest;
    };
    sequence.forEach(({ kind, which }, n) => {
      if (kind === 'take') {
        const { waiter, entry } = arrive(places, String(n), served);
        waiters.set(String(n), waiter);
        assert.equal(entry, taken < takenMax ? 'taken' : line.length < waitingMax ? 'waiting' : 'full');
        if (entry === 'taken') taken++;
        if (entry === 'waiting') line = [...line, String(n)];
      } else if (kind === 'release') {
        if (taken > 0) release();
      } else {
        const name = [...waiters.keys()][which] ?? '';
        const waiter = waiters.get(name);
        if (waiter) assert.equal(places.leave(waiter), line.includes(name));
        line = line.filter((each) => each !== name);
      }
      assert.deepEqual([places.taken, places.waiting, served], [taken, line.length, expected]);
      assert.ok(places.taken <= takenMax && (places.waiting === 0 || places.taken === takenMax));
    });
    while (taken > 0) release();
    assert.deepEqual([places.taken, places.waiting, served], [0, 0, expected]);
  };
  fc.assert(fc.property(moves, limits, check), { numRuns: 1_000 });
});
