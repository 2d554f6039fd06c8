import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDuration } from '../../src/config/values.ts';
import type { Answer } from '../../src/http/routes.ts';
import { createFlushRoute } from '../../src/push/flush-route.ts';
import type { FlushResult } from '../../src/push/push.ts';

const SENT: FlushResult = { ok: true, destinations: { a: { status: 'sent', batches: 0 } } };
const PENDING: FlushResult = { ok: false, destinations: { a: { status: 'pending', batches: 2 } } };

/** @param result of every flush. */
function setUp(result = SENT) {
  const timeoutsMs: number[] = [];
  const flush = (timeoutMs: number): Promise<FlushResult> => {
    timeoutsMs.push(timeoutMs);
    return Promise.resolve(result);
  };
  const route = createFlushRoute({ flush, readDuration });
  const ask = async (query = ''): Promise<Answer> => route.handle({ method: 'POST', query, headers: {} });
  return { route, timeoutsMs, ask };
}

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
    const answer = await setUp(result).ask();
    assert.deepEqual([answer.status, bodyOf(answer)], [status, result]);
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
    const { timeoutsMs, ask } = setUp();
    await ask(query);
    assert.deepEqual(timeoutsMs, [wanted]);
  });
}

for (const given of ['', '5', '0s', '61s', '-1s', 'abc', '1d', 'x'.repeat(1000)]) {
  test(`a timeout of "${given.slice(0, 10)}" is refused by its name`, async () => {
    const { timeoutsMs, ask } = setUp();
    const answer = await ask(`timeout=${given}`);
    const error = `timeout must be a duration from 1ms to 60s, such as 5s (got "${given.slice(0, 100)}")`;
    assert.deepEqual([answer.status, bodyOf(answer)], [400, { error }]);
    assert.deepEqual(timeoutsMs, []);
  });
}
