import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDuration } from '../../src/config/values.ts';
import type { Answer } from '../../src/http/routes.ts';
import { createFlushRoute } from '../../src/push/flush-route.ts';
import type { FlushResult } from '../../src/push/push.ts';

const SENT: FlushResult = { ok: true, destinations: { a: { status: 'sent', batches: 0 } } };
const PENDING: FlushResult = { ok: false, destinations: { a: { status: 'pending', batches: 2 } } };

interface Run {
  readonly timeoutMs: number;
  readonly end: (result: FlushResult) => void;
  readonly fail: (error: Error) => void;
}

/** Flushes that end when a test says so. */
function setUp() {
  const runs: Run[] = [];
  const flush = (timeoutMs: number): Promise<FlushResult> => {
    const { promise, resolve, reject } = Promise.withResolvers<FlushResult>();
    runs.push({ timeoutMs, end: resolve, fail: reject });
    return promise;
  };
  const route = createFlushRoute({ flush, readDuration });
  const ask = async (query = ''): Promise<Answer> => route.handle({ method: 'POST', query, headers: {} });
  return { route, runs, ask };
}

/** Until everything that waits for nothing but promises has gone on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function bodyOf({ body }: Answer): unknown {
  return JSON.parse(typeof body === 'string' ? body : '');
}

test('it is posted to', () => {
  const { route } = setUp();
  assert.deepEqual([route.method, route.path], ['POST', '/-/flush']);
});

for (const [name, { result, status }] of Object.entries({
  'all is sent': { result: SENT, status: 200 },
  'something is neither sent nor on disk': { result: PENDING, status: 503 },
  'there is no destination': { result: { ok: true, destinations: {} }, status: 200 },
})) {
  test(`where ${name} the answer is ${status}, and says what became of each destination`, async () => {
    const { runs, ask } = setUp();
    const answer = ask();
    runs[0]?.end(result);
    assert.deepEqual([(await answer).status, bodyOf(await answer)], [status, result]);
  });
}

const timeouts: Record<string, number> = {
  '': 10_000,
  'timeout=5s': 5000,
  'timeout=500ms': 500,
  'timeout=1m': 60_000,
  'other=1&timeout=2s': 2000,
};
for (const [query, wanted] of Object.entries(timeouts)) {
  test(`"${query}" is a flush of ${wanted} ms`, async () => {
    const { runs, ask } = setUp();
    const answer = ask(query);
    assert.deepEqual(
      runs.map(({ timeoutMs }) => timeoutMs),
      [wanted],
    );
    runs[0]?.end(SENT);
    await answer;
  });
}

for (const given of ['', '5', '0s', '61s', '-1s', 'abc', '1d', 'x'.repeat(1000)]) {
  test(`a timeout of "${given.slice(0, 10)}" is refused by its name`, async () => {
    const { runs, ask } = setUp();
    const answer = await ask(`timeout=${given}`);
    const error = `timeout must be a duration from 1ms to 60s, such as 5s (got "${given.slice(0, 100)}")`;
    assert.deepEqual([answer.status, bodyOf(answer)], [400, { error }]);
    assert.equal(runs.length, 0);
  });
}

test('who asks while a flush is under way shares the next one, which has the time of the most patient', async () => {
  const { runs, ask } = setUp();
  const first = ask('timeout=1s');
  const others = [ask('timeout=5s'), ask('timeout=1m'), ask('timeout=30s')];
  await settled();
  assert.equal(runs.length, 1);
  runs[0]?.end(SENT);
  await first;
  await settled();
  assert.equal(runs.length, 2);
  const { timeoutMs = 0 } = runs[1] ?? {};
  assert.ok(timeoutMs > 30_000 && timeoutMs <= 60_000);
  const late = ask();
  runs[1]?.end(PENDING);
  for (const answer of await Promise.all(others)) assert.deepEqual([answer.status, bodyOf(answer)], [503, PENDING]);
  await settled();
  runs[2]?.end(SENT);
  assert.equal((await late).status, 200);
  assert.equal(runs.length, 3);
});

test('who has no time left while another flush is under way is told so', async () => {
  const { runs, ask } = setUp();
  const first = ask();
  const second = await ask('timeout=1ms');
  assert.deepEqual(
    [second.status, bodyOf(second)],
    [503, { ok: false, error: 'another flush was under way for all that time' }],
  );
  runs[0]?.end(SENT);
  assert.equal((await first).status, 200);
});

test('a flush that fails does so for those who asked for it, and not for the next', async () => {
  const { runs, ask } = setUp();
  const first = ask();
  const second = ask();
  runs[0]?.fail(new Error('no'));
  await assert.rejects(first, /no/);
  await settled();
  runs[1]?.end(SENT);
  assert.equal((await second).status, 200);
  const third = ask();
  runs[2]?.end(SENT);
  assert.equal((await third).status, 200);
});
