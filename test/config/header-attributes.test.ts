// What of a request's headers may become an attribute.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseConfig } from '../../src/config/index.ts';
import { outside } from './outside.ts';

function resultOf(entries: string) {
  const text = `
telemetry: { attributes_from_headers: ${entries} }
upstreams: [{ name: a, url: "http://h", labels: { team.name: x, 1st: y } }]`;
  return parseConfig({ text, source: 'test.yaml', ...outside() });
}

function problemsOf(entries: string): readonly string[] {
  const result = resultOf(entries);
  return result.ok ? [] : result.problems;
}

it('an entry arrives with its header in lower case and the default of its limit', () => {
  const result = resultOf(`[{ header: X-Tenant, attribute: tenant.id }, { header: x-a, attribute: a, max_values: 1 }]`);
  assert.deepEqual(result.ok && result.config.telemetry.attributesFromHeaders, [
    { header: 'x-tenant', attribute: 'tenant.id', valuesMax: 100 },
    { header: 'x-a', attribute: 'a', valuesMax: 1 },
  ]);
});

describe('headers that become no attribute', () => {
  const cases: Record<string, readonly string[]> = {
    'this one holds credentials': [
      'Authorization',
      'proxy-authorization',
      'Cookie',
      'set-cookie',
      'x-api-key',
      'apikey',
      'api_key',
      'X-Auth-Token',
      'x-csrftoken',
      'x-amz-security-token',
      'ocp-apim-subscription-key',
      'x-functions-key',
      'x-client-secret',
      'x-password',
      'x-session-id',
      'x-goog-iap-jwt-assertion',
      'x-hub-signature-256',
      'dpop',
    ],
    'this one is about the connection': [
      'Connection',
      'keep-alive',
      'proxy-connection',
      'proxy-authenticate',
      'te',
      'trailer',
      'transfer-encoding',
      'upgrade',
      'http2-settings',
      'content-length',
      'expect',
    ],
    'must be the name of a header': ['', ':path', 'a b', 'ä', 'a:'],
  };
  for (const [says, headers] of Object.entries(cases)) {
    for (const header of headers) {
      it(`${JSON.stringify(header)}: ${says}`, () => {
        const [problem = '', ...others] = problemsOf(`[{ header: ${JSON.stringify(header)}, attribute: x }]`);
        assert.ok(problem.startsWith('telemetry.attributes_from_headers[0].header must be '), problem);
        assert.ok(problem.includes(says), problem);
        assert.deepEqual(others, []);
      });
    }
  }
});

it('headers that tell callers apart become attributes', () => {
  for (const header of ['x-tenant-id', 'user-agent', 'host', 'content-type', 'x-key-of-map', 'x-tokens', 'priority']) {
    assert.deepEqual(problemsOf(`[{ header: ${header}, attribute: x }]`), [], header);
  }
});

describe('attributes', () => {
  const at = 'telemetry.attributes_from_headers';
  const cases: Record<string, { entries: string; says: readonly string[] }> = {
    'are none that metergate sets': {
      entries: '[{ header: x-a, attribute: inference_outcome }]',
      says: [
        `${at}[0].attribute must have another key: metergate sets the label inference_outcome itself (got "inference_outcome")`,
      ],
    },
    'are none that Prometheus has reserved': {
      entries: '[{ header: x-a, attribute: job }, { header: x-b, attribute: __a }]',
      says: [
        `${at}[0].attribute must have another key: the label job is reserved at Prometheus (got "job")`,
        `${at}[1].attribute must not become a label that begins with __: those are reserved at Prometheus (got "__a")`,
      ],
    },
    'are none that an upstream has as a label': {
      entries: '[{ header: x-a, attribute: team_name }, { header: x-b, attribute: key.1st }]',
      says: [
        `${at}[0].attribute must have another key: upstreams[0].labels["team.name"] is the label team_name, too (got "team_name")`,
        `${at}[1].attribute must have another key: upstreams[0].labels["1st"] is the label key_1st, too (got "key.1st")`,
      ],
    },
    'are each there once, and their headers as well': {
      entries: '[{ header: x-a, attribute: a.b }, { header: X-A, attribute: a.b }, { header: x-c, attribute: a_b }]',
      says: [
        `${at}[1].header must be unique, but ${at}[0] has the same (got "X-A")`,
        `${at}[1].attribute must be unique, but ${at}[0] has the same (got "a.b")`,
        `${at}[2].attribute must have another key: a.b is the label a_b, too (got "a_b")`,
      ],
    },
    'have a key': {
      entries: '[{ header: x-a, attribute: "" }, { header: x-b }]',
      says: [
        `${at}[0].attribute must not be empty (got "")`,
        `${at}[1].attribute is missing: it must be a string, in quotes if it looks like a number`,
      ],
    },
  };
  for (const [name, { entries, says }] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(problemsOf(entries), says));
  }
  it('are at most eight', () => {
    const entries = (count: number): string =>
      JSON.stringify(Array.from({ length: count }, (_, n) => ({ header: `x-${n}`, attribute: `a${n}` })));
    assert.deepEqual(problemsOf(entries(8)), []);
    assert.deepEqual(problemsOf(entries(9)), [`${at} must have at most 8 entries (got a list)`]);
  });
});
