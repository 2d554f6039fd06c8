import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sized } from '../../exposition/runs.ts';
import { engineNames, pageOf } from '../../telemetry/telemetry-on.ts';
import { OVERFLOW, outcomes, PRIORITY, startWithAttributes, sumOf, TENANT, tenant } from './header-attributes-proxy.ts';

/** More than a metric has series for. */
const VALUES = sized({ short: 3_000, long: 10_000 });

const odd: Record<string, string> = {
  'a quote and a backslash': 'say "hi" \\ \\n',
  'a tab': 'a\tb',
  'every printable character': Array.from({ length: 95 }, (_, n) => String.fromCharCode(32 + n))
    .join('')
    .trim(),
  'bytes of Latin-1': '\xe4\xf6\xfc\xff',
  'what looks like a label': '"} 1\\n# HELP',
};
for (const [name, value] of Object.entries(odd)) {
  test(`a value with ${name} is on the page as it came`, async (t) => {
    const running = await startWithAttributes(t, [TENANT]);
    await running.request(tenant(value));
    assert.deepEqual(await running.counted(), { ...outcomes(''), ...outcomes(value, { success: 1 }) });
  });
}

test('bytes of UTF-8 are a value like others, and different ones stay apart', async (t) => {
  const running = await startWithAttributes(t, [TENANT]);
  const latin1 = (text: string): string => Buffer.from(text).toString('latin1');
  await running.request(...['é', 'è', '日本', 'é'].map((text) => tenant(latin1(text))));
  const counts = Object.entries(await running.counted()).filter(([, count]) => count > 0);
  assert.deepEqual(counts.map(([, count]) => count).sort(), [1, 1, 2]);
});

for (const engine of engineNames) {
  test(`${VALUES} values of a stranger who is answered 404 make no series, and each request is counted (${engine})`, async (t) => {
    const running = await startWithAttributes(t, [TENANT, PRIORITY], { engine, atOnce: 50 });
    const values = Array.from({ length: VALUES }, (_, n) => n.toString(36));
    await running.request(...values.map((value) => tenant(value, { status: 404 })));
    assert.deepEqual(await running.counted(), { ...outcomes(''), ...outcomes('_other', { failure: values.length }) });
    assert.equal(await sumOf(running.telemetry, 'inference_request_duration_seconds_count'), values.length);
    assert.equal(await sumOf(running.telemetry, OVERFLOW), 0);
  });
}

test('more combinations than the metric has series for are still counted, to the request', async (t) => {
  const many = [
    { ...TENANT, valuesMax: 1_000 },
    { ...PRIORITY, valuesMax: 1_000 },
  ];
  const running = await startWithAttributes(t, many, { cardinalityLimit: 50, atOnce: 20 });
  const sent = Array.from({ length: 400 }, (_, n) => ({ lines: [`x-tenant: ${n % 20}`, `x-priority: ${n % 19}`] }));
  await running.request(...sent);
  assert.equal(await sumOf(running.telemetry, 'inference_requests_total'), 400);
  assert.equal(await sumOf(running.telemetry, 'inference_request_duration_seconds_count'), 400);
  const { samples } = await pageOf(running.telemetry);
  assert.ok(samples.filter(({ name }) => name === 'inference_requests_total').length <= 51);
});

test('whatever is sent, every request is counted once, and no more values are told apart than may be', async (t) => {
  const header = fc.string({ maxLength: 3, unit: fc.constantFrom('a', 'b', ' ', '"', '\\', ',', '\xe9') });
  const sent = fc.record({
    status: fc.constantFrom(200, 201, 204, 302, 404, 500),
    lines: fc.array(
      fc.oneof(
        header.map((value) => `x-tenant: ${value}`),
        header.map((value) => `X-Priority: ${value}`),
      ),
      {
        maxLength: 3,
      },
    ),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(sent, { minLength: 1, maxLength: 30 }), async (all) => {
      const running = await startWithAttributes(t, [TENANT, PRIORITY]);
      const bodied = all.map((each) => ({ ...each, status: each.status === 204 ? 200 : each.status }));
      await running.request(...bodied);
      const { samples } = await pageOf(running.telemetry);
      const counted = samples.filter(({ name }) => name === 'inference_requests_total');
      const count = (outcome: string): number =>
        counted
          .filter(({ labels }) => labels.get('inference_outcome') === outcome)
          .reduce((sum, { value }) => sum + value, 0);
      const succeeded = bodied.filter(({ status }) => status < 400).length;
      assert.deepEqual([count('success'), count('failure')], [succeeded, all.length - succeeded]);
      for (const [label, max] of [
        ['tenant_id', 3],
        ['request_priority', 2],
      ] as const) {
        const values = new Set(counted.flatMap(({ labels }) => labels.get(label) ?? []));
        values.delete('_other');
        assert.ok(values.size <= max, [...values].join());
      }
    }),
    { numRuns: 15 },
  );
});
