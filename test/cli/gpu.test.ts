import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Environment } from '../../src/cli/environment.ts';
import { runCli } from '../../src/cli/index.ts';
import { createFakeNvidiaSmi, type FakeNvidiaSmi } from '../support/fake-nvidia-smi.ts';
import { until } from '../support/until.ts';

function fake(t: TestContext, answer: string): FakeNvidiaSmi {
  const program = createFakeNvidiaSmi(answer);
  t.after(() => program.remove());
  return program;
}

/** `metergate gpu` with a program in place of nvidia-smi. */
async function gpu({ path }: FakeNvidiaSmi, ...args: string[]) {
  const written = { stdout: '', stderr: '' };
  const environment: Environment = {
    version: '0.0.0',
    env: {},
    stdout: (text) => (written.stdout += text),
    stderr: (text) => (written.stderr += text),
    interrupted: () => new Promise(() => {}),
  };
  const code = await runCli(['gpu', '--backend', 'nvidia-smi', '--nvidia-smi', path, ...args], environment);
  return { code, ...written };
}

test('every GPU that nvidia-smi lists has a line, and the program is gone afterwards', async (t) => {
  const program = fake(t, 'h100x2.csv');
  const { code, stdout, stderr } = await gpu(program);
  assert.deepEqual([code, stderr], [0, '']);
  const [backend = '', head = '', ...rows] = stdout.trimEnd().split('\n');
  assert.match(backend, /^backend: nvidia-smi \(.+\)$/);
  assert.match(head, /^index +model +id +utilization +memory +power +temperature +state$/);
  assert.equal(rows.length, 2);
  for (const [index, row] of rows.entries()) {
    const cells = row.split(/ {2,}/);
    assert.deepEqual([cells[0], cells[1], cells.at(-1)], [String(index), 'NVIDIA H100 80GB HBM3', 'ok']);
    assert.match(row, / \d[\d.]* % {2}.* \d[\d.]* of \d[\d.]* GiB .* \d[\d.]* of \d+ W .* \d+ °C /);
  }
  await until('the program has ended', () => program.running().length === 0);
  assert.equal(program.starts().length, 1);
});

test('what a card does not say is a dash, and in the JSON not there', async (t) => {
  const program = fake(t, 'h100-mig.csv');
  const { stdout } = await gpu(program);
  const { code, stdout: text } = await gpu(program, '--json');
  const { gpus } = JSON.parse(text) as { gpus: { migMode: string; values: Record<string, number> }[] };
  assert.equal(code, 0);
  assert.equal(gpus[0]?.migMode, 'enabled');
  assert.equal(gpus[0].values.utilization, undefined);
  assert.ok((gpus[0].values.memoryLimit ?? 0) > 0);
  assert.match(stdout, /\n0 .* {2}- {2}/);
});

test('a program that exits at once is said with its words', async (t) => {
  const program = fake(t, 'h100x2.csv');
  program.behave({
    exits: { status: 9, text: "NVIDIA-SMI has failed because it couldn't communicate with the driver" },
  });
  const { code, stdout, stderr } = await gpu(program);
  assert.equal(code, 1);
  assert.match(stdout, /^backend: nvidia-smi \(.+\)\n$/);
  assert.match(stderr, /exited with status 9: NVIDIA-SMI has failed/);
});

test('a GPU that cannot be read is said, and the others are shown', async (t) => {
  const program = fake(t, 'unknown-error.csv');
  const { code, stdout, stderr } = await gpu(program);
  const states = stdout
    .trimEnd()
    .split('\n')
    .slice(2)
    .map((row) => row.split(/ {2,}/).at(-1));
  assert.equal(code, 0);
  assert.ok(states.includes('failed'), stdout);
  assert.match(stderr, /GPU \d+ \(GPU-.*\): no readings/);
});
