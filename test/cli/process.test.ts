import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { outcomes } from '../../src/serving/proxy/outcome.ts';

const bin = join(import.meta.dirname, '../../bin/metergate.js');

function runBin(
  args: readonly string[],
  node = process.execPath,
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(node, [bin, ...args], { encoding: 'utf8', timeout: 240_000 });
}

test('a port in use stops the start-up with exit code 1, naming the key and the address', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'metergate-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const file = join(folder, 'metergate.yaml');
  writeFileSync(
    file,
    JSON.stringify({
      listen: { inference: `127.0.0.1:${port}`, management: '127.0.0.1:0', metrics: '127.0.0.1:0' },
      upstreams: [{ name: 'iris', url: 'http://127.0.0.1:8080' }],
    }),
  );
  const { status, stdout, stderr } = runBin(['serve', '--config', file]);
  assert.equal(status, 1, stderr);
  assert.equal(stdout, '');
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { level: string; msg: string; error?: string });
  const failed = lines.find(({ level }) => level === 'error');
  assert.equal(failed?.error, `listen.inference: 127.0.0.1:${port} is in use by another program`);
});

function runDemo(seconds: number) {
  const { status, stdout, stderr } = runBin(['demo', '--seconds', String(seconds), '--json']);
  assert.equal(status, 0, stderr);
  assert.match(stderr, new RegExp(`\\d+ s of ${seconds} s: success \\d+`));
  return JSON.parse(stdout) as { agree: boolean; outcomes: Record<string, Record<string, number>> };
}

test('the demo ends in agreement and prints one JSON object, and nothing else, on standard output', () => {
  let comparison = runDemo(2);
  // A machine that has much else to do may not come to a request of every outcome in so little time.
  if (Object.values(comparison.outcomes).some(({ sent }) => sent === 0)) comparison = runDemo(20);
  assert.equal(comparison.agree, true);
  assert.deepEqual(Object.keys(comparison.outcomes), [...outcomes]);
  for (const [outcome, { sent = 0, pulled, pushed }] of Object.entries(comparison.outcomes)) {
    assert.ok(sent > 0, outcome);
    assert.deepEqual([pulled, pushed], [sent, sent], outcome);
  }
});

test('an older Node.js gets one sentence', (t) => {
  const old = findOldNode();
  if (old === undefined) return t.skip('no Node.js older than 22.19 on PATH');
  const { status, stdout, stderr } = runBin(['--version'], old.path);
  assert.equal(status, 2);
  assert.equal(stdout, '');
  assert.equal(stderr, `metergate needs Node.js 22.19 or newer; this is ${old.version}.\n`);
});

function findOldNode(): { path: string; version: string } | undefined {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, 'node');
    if (!existsSync(path)) continue;
    const version = spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout.trim().replace(/^v/, '');
    const [major = 0, minor = 0] = version.split('.').map(Number);
    if (major < 22 || (major === 22 && minor < 19)) return { path, version };
  }
  return undefined;
}
