// Which upstreams may stand side by side, and what of each arrives where.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseConfig, type UpstreamConfig } from '../../src/config/index.ts';
import { outside } from './outside.ts';

function resultOf(text: string) {
  return parseConfig({ text, source: 'test.yaml', ...outside() });
}

function upstreamOf(keys: string): UpstreamConfig {
  const result = resultOf(`upstreams: [{ name: a, ${keys} }]`);
  assert.ok(result.ok, JSON.stringify(result));
  const [upstream] = result.config.upstreams;
  assert.ok(upstream);
  return upstream;
}

/** @param keys of one upstream, beside its name. */
function problemsOf(keys: string): readonly string[] {
  const result = resultOf(`upstreams: [{ name: a, ${keys} }]`);
  return result.ok ? [] : result.problems;
}

it('every key of an upstream arrives under its own name, with its unit', () => {
  const { urls, match, requestsInFlightMax, queue, health, tls } = upstreamOf(`
    url: [https://10.0.0.1:8443/base, "https://Models.example.com"],
    match: { hosts: [A.Example.com, "*.Models.example.com"], models: [iris, Wine] },
    requests_in_flight: 8,
    queue: { max_size: 0, timeout: 2s },
    health: { path: /v2/health/ready?full=1, interval: 500ms, timeout: 250ms, unhealthy_after: 1, backoff_max: 1m },
    tls: { ca_file: ca.pem, cert_file: cert.pem, key_file: key.pem, server_name: Models.internal }`);
  assert.deepEqual(
    urls.map(({ href }) => href),
    ['https://10.0.0.1:8443/base', 'https://models.example.com/'],
  );
  assert.deepEqual(match, { hosts: ['a.example.com', '*.models.example.com'], models: ['iris', 'Wine'] });
  assert.equal(requestsInFlightMax, 8);
  assert.deepEqual(queue, { sizeMax: 0, timeoutMs: 2000 });
  assert.deepEqual(health, {
    path: '/v2/health/ready?full=1',
    intervalMs: 500,
    timeoutMs: 250,
    unhealthyAfter: 1,
    backoffMaxMs: 60_000,
  });
  assert.deepEqual(tls, {
    caFile: 'ca.pem',
    certFile: 'cert.pem',
    keyFile: 'key.pem',
    serverName: 'models.internal',
  });
});

it('what is not given is not there', () => {
  const upstream = upstreamOf('url: "https://h", tls: {}');
  assert.equal('requestsInFlightMax' in upstream, false);
  assert.equal('path' in upstream.health, false);
  assert.equal(upstream.tls && 'serverName' in upstream.tls, false);
  assert.equal('tls' in upstreamOf('url: "https://h"'), false);
});

it('the default timeout of a check is 1 s, but never more than its interval', () => {
  assert.equal(upstreamOf('url: "http://h"').health.timeoutMs, 1000);
  assert.equal(upstreamOf('url: "http://h", health: { interval: 200ms }').health.timeoutMs, 200);
});

describe('the replicas of an upstream', () => {
  const URL_WANTED = 'must be an http or https URL without user information, query or fragment';
  const cases: Record<string, { url: string; says: readonly string[] }> = {
    'may be one': { url: '["http://h"]', says: [] },
    'may be apart by their ports': { url: '["http://h/a", "http://h:81/a"]', says: [] },
    'are at least one': {
      url: '[]',
      says: ['upstreams[0].url must be a URL, or a list of at least one (got an empty list)'],
    },
    'are each a URL': {
      url: '["http://h", ftp://h, 8080, [http://h]]',
      says: [
        `upstreams[0].url[1] ${URL_WANTED} (got "ftp://h")`,
        `upstreams[0].url[2] ${URL_WANTED} (got 8080)`,
        `upstreams[0].url[3] ${URL_WANTED} (got a list)`,
      ],
    },
    'are no mapping': { url: '{ a: http://h }', says: [`upstreams[0].url ${URL_WANTED} (got a mapping)`] },
    'are each there once, however they are written': {
      url: '["http://h", "http://i", "HTTP://H:80/"]',
      says: [
        'upstreams[0].url[2] must have a host and port of its own, but upstreams[0].url[0] has the same (got "HTTP://H:80/")',
      ],
    },
    'have one scheme': {
      url: '["http://h", "https://i"]',
      says: ['upstreams[0].url[1] must be http, as upstreams[0].url[0] is (got "https://i")'],
    },
    'do not lead back to the gateway': {
      url: '["http://h", "http://localhost:9480"]',
      says: [
        'upstreams[0].url[1] must not lead back to the gateway itself: that is listen.inference (got "http://localhost:9480")',
      ],
    },
    'are not shown with their credentials': {
      url: '["http://h", "http://user:hidden@h"]',
      says: [`upstreams[0].url[1] ${URL_WANTED} (got "http://…@h")`],
    },
  };
  for (const [name, { url, says }] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(problemsOf(`url: ${url}`), says));
  }
});

describe('two upstreams of one prefix', () => {
  const cases: Record<string, { first: string; second: string; clash: string | undefined }> = {
    'clash where both take all': { first: '{}', second: '{}', clash: '' },
    'are told apart by hosts': { first: '{ hosts: [a] }', second: '{ hosts: [b, c] }', clash: undefined },
    'clash on a host': { first: '{ hosts: [a, b] }', second: '{ hosts: [c, B] }', clash: ', and both match a host' },
    'are told apart by models': { first: '{ models: [a] }', second: '{ models: [A] }', clash: undefined },
    'clash on a model': { first: '{ models: [a] }', second: '{ models: [b, a] }', clash: ', and both match a model' },
    'clash on a host and a model': {
      first: '{ hosts: [a], models: [m] }',
      second: '{ hosts: [a], models: [m] }',
      clash: ', and both match a host and a model',
    },
    'are told apart by the models of one host': {
      first: '{ hosts: [a], models: [m] }',
      second: '{ hosts: [a], models: [n] }',
      clash: undefined,
    },
    'are told apart by the hosts of one model': {
      first: '{ hosts: [a], models: [m] }',
      second: '{ hosts: [b], models: [m] }',
      clash: undefined,
    },
    'are told apart where one takes all hosts': { first: '{}', second: '{ hosts: [a] }', clash: undefined },
    'are told apart where one takes all models': { first: '{ models: [a] }', second: '{}', clash: undefined },
    'are told apart by a name that is below a wildcard': {
      first: '{ hosts: ["*.example.com"] }',
      second: '{ hosts: [a.example.com] }',
      clash: undefined,
    },
    'clash on a wildcard': {
      first: '{ hosts: ["*.example.com"] }',
      second: '{ hosts: ["*.EXAMPLE.com"] }',
      clash: ', and both match a host',
    },
  };
  for (const [name, { first, second, clash }] of Object.entries(cases)) {
    it(name, () => {
      const result = resultOf(`
upstreams:
  - { name: other, url: "http://h", path_prefix: /b }
  - { name: first, url: "http://h", path_prefix: /a, match: ${first} }
  - { name: second, url: "http://h", path_prefix: /a/, match: ${second} }`);
      const says = `upstreams[2].path_prefix must be unique, but upstreams[1] has the same${clash} (got "/a/")`;
      assert.deepEqual(result.ok ? [] : result.problems, clash === undefined ? [] : [says]);
    });
  }
});

describe('the path of health checks', () => {
  for (const [path, ok] of Object.entries({
    '/': true,
    '/health': true,
    '/a/?b=c&d=%20': true,
    health: false,
    '//h/a': false,
    '/\\h': false,
    '/a b': false,
    '/a#b': false,
    '/ä': false,
    '': false,
  })) {
    it(`${JSON.stringify(path)} is ${ok ? 'one' : 'none'}`, () => {
      const says = 'upstreams[0].health.path must be a path such as /health, printable ASCII without blanks';
      const problems = problemsOf(`url: "http://h", health: { path: ${JSON.stringify(path)} }`);
      assert.equal(problems.length === 0, ok);
      if (!ok) assert.ok(problems[0]?.startsWith(says));
    });
  }
});

describe('what goes with what', () => {
  const cases: Record<string, { keys: string; says: readonly string[] }> = {
    'models can be told apart where requests name them': {
      keys: 'protocol: torchserve, match: { models: [m] }',
      says: [],
    },
    'a list without models asks for nothing': { keys: 'protocol: mlflow, match: { models: [] }', says: [] },
    'hosts are known of every request': { keys: 'protocol: mlflow-tracking, match: { hosts: [a] }', says: [] },
    'a limit may do without settings of its queue': { keys: 'requests_in_flight: 1024', says: [] },
    'a limit may not exceed that of all': {
      keys: 'requests_in_flight: 1025',
      says: ['upstreams[0].requests_in_flight must not exceed limits.requests_in_flight, 1024 (got 1025)'],
    },
    'nothing waits without a limit': {
      keys: 'queue: {}',
      says: ['upstreams[0].requests_in_flight is missing: it must be given, since there is a queue'],
    },
    'a check ends before the next': {
      keys: 'health: { timeout: 5001ms }',
      says: ['upstreams[0].health.timeout must not exceed upstreams[0].health.interval, "5s" (got "5001ms")'],
    },
    'TLS is for https': {
      keys: 'tls: { server_name: a }',
      says: ['upstreams[0].url must be https, since there is upstreams[0].tls (got "http://h")'],
    },
  };
  for (const [name, { keys, says }] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(problemsOf(`url: "http://h", ${keys}`), says));
  }
});
