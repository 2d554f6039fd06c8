import assert from 'node:assert/strict';
import { test } from 'node:test';
import { observablesOptions, parseConfig, type ObservablesConfig } from '../../src/config/index.ts';
import { createRecordingLogger } from '../support/telemetry.ts';
import { outside } from './outside.ts';

const IN_POD = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };

function parse(observables: string, env: Record<string, string> = {}): ObservablesConfig {
  const text = `upstreams: [{ name: iris, url: "http://127.0.0.1:8080" }]\nobservables: ${observables}`;
  const result = parseConfig({ text, source: 'test.yaml', ...outside(env) });
  assert.ok(result.ok, JSON.stringify(result));
  return result.config.observables;
}

/** Which of the four would run, and what the log says of it. */
function options(observables: string, env?: Record<string, string>) {
  const { logger, lines } = createRecordingLogger();
  const given = observablesOptions(parse(observables, env), logger);
  const entries: [string, object | undefined][] = Object.entries(given);
  return { on: entries.filter(([, value]) => value !== undefined).map(([name]) => name), lines, given };
}

test('every key arrives under its own name, with its unit', () => {
  const parsed = parse(`
  host:
    enabled: true
    backend: procfs
    root: /host
    interval: 10s
    disks: { excluded: [nbd*] }
    filesystems: { interval: 1m, types: [ext4], excluded: [/boot] }
    network_interfaces: { excluded: [lo] }
  container: { enabled: false, interval: 250ms }
  process: { enabled: false, interval: 1s }
  gpu: { enabled: false, backend: simulated, interval: 500ms, nvidia_smi: { path: /smi }, simulated: { gpus: 8 } }`);
  assert.deepEqual(parsed, {
    inPod: false,
    host: {
      enabled: true,
      backend: 'procfs',
      root: '/host',
      intervalMs: 10_000,
      disks: { excluded: ['nbd*'] },
      filesystems: { intervalMs: 60_000, types: ['ext4'], excluded: ['/boot'] },
      networkInterfaces: { excluded: ['lo'] },
    },
    container: { enabled: false, intervalMs: 250 },
    process: { enabled: false, intervalMs: 1_000 },
    gpu: {
      enabled: false,
      backend: 'simulated',
      intervalMs: 500,
      nvidiaSmi: { path: '/smi' },
      simulated: { gpus: 8 },
    },
  });
});

test('true, false and auto may come from a variable', () => {
  const cases: Record<string, boolean | 'auto'> = { true: true, false: false, auto: 'auto' };
  for (const [value, wanted] of Object.entries(cases)) {
    const { host, gpu } = parse('{ host: { enabled: "${READ}" }, gpu: { enabled: "${NONE:-auto}" } }', { READ: value });
    assert.deepEqual([host.enabled, gpu.enabled], [wanted, 'auto'], value);
  }
});

test('a value of a variable that is neither is refused, and not shown', () => {
  const text = 'upstreams: [{ name: iris, url: "http://h" }]\nobservables: { host: { enabled: "${SECRET}" } }';
  assert.deepEqual(parseConfig({ text, source: 'test.yaml', ...outside() }), {
    ok: false,
    problems: ['observables.host.enabled must be true, false or auto (got "${SECRET}")'],
  });
});

test('the root of the host is an absolute path without a slash at its end', () => {
  for (const root of ['/', '/host', '/a/b.c/..d']) assert.equal(parse(`{ host: { root: "${root}" } }`).host.root, root);
});

test('it is a pod where Kubernetes says so', () => {
  assert.equal(parse('{}', IN_POD).inPod, true);
  assert.equal(parse('{}', { KUBERNETES_SERVICE_HOST: '' }).inPod, false);
  assert.equal(parse('{}', { KUBERNETES_PORT: 'tcp://10.0.0.1:443' }).inPod, false);
});

test('everything is on outside of a pod, without a word', () => {
  const { on, lines } = options('{}');
  assert.deepEqual(on, ['host', 'container', 'process', 'gpu']);
  assert.deepEqual(lines, []);
});

test('in a pod the host and the GPUs are off, and the log says why', () => {
  const { on, lines } = options('{}', IN_POD);
  assert.deepEqual(on, ['container', 'process']);
  assert.deepEqual(lines, [
    {
      level: 'info',
      message: 'host readings are off in a pod',
      fields: { why: 'observables.host.enabled is auto' },
    },
    {
      level: 'info',
      message: 'gpu readings are off in a pod',
      fields: { why: 'observables.gpu.enabled is auto' },
    },
  ]);
});

test('what is asked for is on in a pod, too, without a word', () => {
  const { on, lines } = options('{ host: { enabled: true }, gpu: { enabled: true } }', IN_POD);
  assert.deepEqual(on, ['host', 'container', 'process', 'gpu']);
  assert.deepEqual(lines, []);
});

test('what is switched off is off, in a pod and outside of one, without a word', () => {
  const off = '{ enabled: false }';
  for (const env of [{}, IN_POD]) {
    const { on, lines } = options(`{ host: ${off}, container: ${off}, process: ${off}, gpu: ${off} }`, env);
    assert.deepEqual(on, []);
    assert.deepEqual(lines, []);
  }
});

test('the parts get what was configured for them', () => {
  const { given } = options('{ host: { root: /host }, gpu: { simulated: { gpus: 4 } }, process: { interval: 1s } }');
  assert.equal(given.host?.root, '/host');
  assert.equal(given.gpu?.simulated.gpus, 4);
  assert.equal(given.process?.intervalMs, 1_000);
});
