import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig, type LoadResult } from '../../src/config/index.ts';
import { pathText } from '../../src/config/paths.ts';
import { substitute } from '../../src/config/substitute.ts';
import { outside } from './outside.ts';

function replaced(text: string): { value: unknown; problems: string[] } {
  const problems: string[] = [];
  const { value } = substitute(
    { key: text },
    {
      ...outside({ EMPTY: '', DOLLARS: '${NAME}$$' }),
      typeAt: () => undefined,
      report: (path, sentence) => problems.push(`${pathText(path)} ${sentence}`),
    },
  );
  return { value: (value as { key: unknown }).key, problems };
}

const cases: Record<string, { in: string; out: string }> = {
  'a variable': { in: 'a ${NAME} b', out: 'a 123 b' },
  'two variables': { in: '${NAME}:${PORT}', out: '123:7000' },
  'a default that is not needed': { in: '${NAME:-x}', out: '123' },
  'a default for a variable that is not set': { in: '${MISSING:-http://h:1/x}', out: 'http://h:1/x' },
  'a default for an empty variable': { in: '${EMPTY:-x}', out: 'x' },
  'an empty default': { in: '[${MISSING:-}]', out: '[]' },
  'an empty variable': { in: '[${EMPTY}]', out: '[]' },
  'a file, without its last newline': { in: '${file:/run/secrets/otlp}', out: 'from-file' },
  'two dollars': { in: 'a$$b', out: 'a$b' },
  'two dollars before a brace': { in: '$${NAME}', out: '${NAME}' },
  'a variable after a dollar': { in: '$$${NAME}', out: '$123' },
  'a dollar alone': { in: '$HOME costs 5$', out: '$HOME costs 5$' },
  'what looks like a variable inside of one': { in: '${DOLLARS}', out: '${NAME}$$' },
};
for (const [name, { in: text, out }] of Object.entries(cases)) {
  test(`${name} is substituted`, () => assert.deepEqual(replaced(text), { value: out, problems: [] }));
}

function limits(text: string, env: Record<string, string>): LoadResult {
  const upstreams = 'upstreams: [{ name: iris, url: "http://127.0.0.1:8080" }]';
  return parseConfig({ text: `${upstreams}\n${text}`, source: 'test.yaml', ...outside(env) });
}

test('what comes in cannot become YAML', () => {
  const result = limits('resource: { a: "${EVIL}" }', { EVIL: 'x, b: 1 }\nlog: { level: debug' });
  assert.deepEqual(result.ok && result.config.resource.a, 'x, b: 1 }\nlog: { level: debug');
  assert.equal(result.ok && result.config.log.level, 'info');
});

test('a whole variable becomes a number or a boolean where one is asked for, and only there', () => {
  const text = 'limits: { connections: "${N}" }\npull: { enabled: "${B}" }\nresource: { n: "${N}", b: "${B}" }';
  const result = limits(text, { N: '5', B: 'false' });
  assert.ok(result.ok);
  assert.equal(result.config.limits.connectionsMax, 5);
  assert.equal(result.config.pull.enabled, false);
  assert.deepEqual(result.config.resource, { 'service.name': 'metergate', n: '5', b: 'false' });
});

test('a part of a string does not become a number', () => {
  assert.deepEqual(limits('limits: { connections: "1${N}" }', { N: '5' }), {
    ok: false,
    problems: ['limits.connections must be a whole number from 1 to 1000000 (got "1${N}")'],
  });
});
