import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HeaderAttribute } from '../../../src/serving/proxy/header-attributes.ts';
import { engineNames, pageOf } from '../../telemetry/telemetry-on.ts';
import {
  OVERFLOW,
  outcomes,
  PRIORITY,
  startWithAttributes,
  sumOf,
  TENANT,
  tenant,
  type Sent,
} from './header-attributes-proxy.ts';
import { METADATA } from './running-proxy.ts';

interface Case {
  readonly attributes?: readonly HeaderAttribute[];
  readonly sent: readonly Sent[];
  readonly counted: Record<string, number>;
  /** Values that were refused. */
  readonly overflow?: number;
}

const cases: Record<string, Case> = {
  'without the header there is no attribute': { sent: [{}], counted: outcomes('', { success: 1 }) },
  'an empty header is none': { sent: [tenant(''), tenant('  ')], counted: outcomes('', { success: 2 }) },
  'a header becomes an attribute, whatever the case of its name': {
    sent: [tenant('a'), { lines: ['X-TENANT: a'] }],
    counted: { ...outcomes(''), ...outcomes('a', { success: 2 }) },
  },
  'a value is known only after a 2xx about it': {
    sent: [tenant('a', { status: 404 }), tenant('a', { status: 302 }), tenant('a'), tenant('a', { status: 500 })],
    counted: {
      ...outcomes(''),
      ...outcomes('_other', { failure: 1, success: 1 }),
      ...outcomes('a', { success: 1, failure: 1 }),
    },
  },
  'a 2xx that is no inference makes none known': {
    sent: [tenant('a', { path: METADATA }), tenant('a', { status: 400 })],
    counted: { ...outcomes(''), ...outcomes('_other', { failure: 1 }) },
  },
  'values beyond the limit are _other, and those that are known stay so': {
    sent: ['a', 'b', 'c', 'd', 'e', 'a', 'd'].map((value) => tenant(value)),
    counted: {
      ...outcomes(''),
      ...{ ...outcomes('a', { success: 2 }), ...outcomes('b', { success: 1 }), ...outcomes('c', { success: 1 }) },
      ...outcomes('_other', { success: 3 }),
    },
    overflow: 3,
  },
  'a value that is too long is _other': {
    sent: [tenant('x'.repeat(129)), tenant('y'.repeat(128))],
    counted: {
      ...{ ...outcomes(''), ...outcomes('_other', { success: 1 }), ...outcomes('y'.repeat(128), { success: 1 }) },
    },
    overflow: 1,
  },
  'two lines are one value': {
    sent: [{ lines: ['x-tenant: a', 'X-Tenant: b'] }],
    counted: { ...outcomes(''), ...outcomes('a, b', { success: 1 }) },
  },
  'one who calls itself _other is one of them': {
    sent: [tenant('_other'), tenant('b', { status: 404 })],
    counted: { ...outcomes(''), ...outcomes('_other', { success: 1, failure: 1 }) },
  },
  'two headers give combinations, each with all outcomes': {
    attributes: [TENANT, PRIORITY],
    sent: [
      { lines: ['x-tenant: a', 'x-priority: high'] },
      { lines: ['x-priority: high', 'x-tenant: b'], status: 500 },
      { lines: ['x-priority: low'] },
      { lines: ['x-tenant: a'] },
    ],
    counted: {
      ...{ ...outcomes(''), ...outcomes('a high', { success: 1 }), ...outcomes('_other high', { failure: 1 }) },
      ...{ ...outcomes('low', { success: 1 }), ...outcomes('a', { success: 1 }) },
    },
  },
};
for (const engine of engineNames) {
  for (const [name, { attributes = [TENANT], sent, counted, overflow = 0 }] of Object.entries(cases)) {
    test(`${name} (${engine})`, async (t) => {
      const running = await startWithAttributes(t, attributes, { engine });
      await running.request(...sent);
      assert.deepEqual(await running.counted(), counted);
      assert.equal(await sumOf(running.telemetry, OVERFLOW), overflow);
      const logged = running.telemetry.lines.filter(({ message }) => message === 'header value not admitted');
      assert.equal(logged.length, overflow === 0 ? 0 : 1);
      assert.doesNotMatch(JSON.stringify(logged), /xxx|"d"/);
    });
  }
}

for (const engine of engineNames) {
  test(`only the two metrics have the attribute, and it is on the duration, too (${engine})`, async (t) => {
    const running = await startWithAttributes(t, [TENANT], { engine });
    await running.request(tenant('a'), tenant('a', { status: 500 }), {});
    const { samples } = await pageOf(running.telemetry);
    const having = samples
      .filter(({ labels }) => labels.has('tenant_id'))
      .map(({ name }) => name.replace(/_(bucket|sum|count)$/, ''));
    assert.deepEqual([...new Set(having)].sort(), ['inference_request_duration_seconds', 'inference_requests_total']);
    const durations = samples
      .filter(({ name }) => name === 'inference_request_duration_seconds_count')
      .map(({ labels, value }) => [labels.get('tenant_id'), labels.get('inference_outcome'), value]);
    assert.deepEqual(
      durations.sort(),
      [
        ['a', 'failure', 1],
        ['a', 'success', 1],
        [undefined, 'success', 1],
      ].sort(),
    );
  });
}
