import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { catalogue, type InstrumentDefinition } from '../../src/telemetry/catalogue.ts';

const instruments: readonly [string, InstrumentDefinition][] = Object.entries(catalogue);
/** What is called so is ours, whatever the conventions say. */
const OURS = /^(inference|metergate)\./;

/** Names in namespaces of the conventions that these do not have, and why we need them. */
const lacking: Readonly<Record<string, string>> = {
  'container.cpu.limit':
    'there is only k8s.container.cpu.limit, which comes from the API server and not from the kernel',
  'container.cpu.periods': 'without them the throttled ones say nothing',
  'container.cpu.throttling.periods': 'cAdvisor has it; the conventions have nothing of throttling',
  'container.cpu.throttling.time': 'as above',
  'container.memory.limit': 'there is only k8s.container.memory.limit',
  'container.memory.oom_kills': 'there is none of a container',
  'container.paging.usage': 'there is only system.paging.usage',
  'container.task.count': 'there is only system.process.count, which is of processes',
  'container.task.limit': 'there is only system.process.limit',
  'container.pressure.time': 'the conventions have nothing of pressure (PSI)',
};

/**
 * Names of one kind that the package has (in its types, since constants do not say that they are deprecated), with whether they still
 * are to be used.
 */
function conventions(kind: 'METRIC' | 'ATTR'): ReadonlyMap<string, { deprecated: boolean }> {
  const folder = new URL('.', import.meta.resolve('@opentelemetry/semantic-conventions/incubating'));
  const files = { METRIC: 'metrics', ATTR: 'attributes' };
  const text = ['stable', 'experimental']
    .map((stability) => readFileSync(new URL(`${stability}_${files[kind]}.d.mts`, folder), 'utf8'))
    .join('\n');
  const declared = text.matchAll(/\/\*\*([^]*?)\*\/\s*declare const ([A-Z]+)_\w+: "([^"]+)";/g);
  return new Map(
    [...declared]
      .filter(([, , prefix]) => prefix === kind)
      .map(([, comment = '', , name = '']) => [name, { deprecated: comment.includes('@deprecated') }]),
  );
}

const metrics = conventions('METRIC');
const attributes = conventions('ATTR');

describe('the semantic conventions', () => {
  it('are read as the package has them', () => {
    assert.ok(metrics.size > 500 && attributes.size > 900, `${metrics.size} metrics, ${attributes.size} attributes`);
    assert.deepEqual(metrics.get('system.cpu.time'), { deprecated: false });
    assert.deepEqual(metrics.get('http.server.request.duration'), { deprecated: false });
    assert.deepEqual(metrics.get('system.linux.memory.available'), { deprecated: true });
    assert.deepEqual(attributes.get('cpu.mode'), { deprecated: false });
    assert.deepEqual(attributes.get('process.cpu.state'), { deprecated: true });
  });

  for (const [name] of instruments.filter(([each]) => !OURS.test(each))) {
    it(`have ${name}, or it is known why not`, () => {
      const known = metrics.get(name);
      assert.equal(known !== undefined, !(name in lacking), `${name}: ${lacking[name] ?? 'no reason'}`);
      assert.notEqual(known?.deprecated, true);
    });
  }

  it('are said to lack only what the catalogue has', () => {
    assert.deepEqual(
      Object.keys(lacking).filter((name) => !(name in catalogue)),
      [],
    );
  });

  it('have every attribute that is not called ours', () => {
    const keys = new Set(instruments.flatMap(([, definition]) => definition.attributes));
    const strangers = [...keys].filter((key) => !OURS.test(key) && attributes.get(key)?.deprecated !== false);
    assert.deepEqual(strangers, []);
  });
});
