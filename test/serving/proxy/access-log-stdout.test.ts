import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { until } from '../../support/until.ts';
import { send } from './downstream.ts';
import { linesOf } from './logged-lines.ts';
import { startUpstream } from './upstream-servers.ts';

// The gateway as users run it, with a standard output of each kind.

const bin = join(import.meta.dirname, '../../../bin/metergate.js');
const FREE = '127.0.0.1:0';
/** Makes lines long, so that a pipe is full soon. */
const MODEL = 'm'.repeat(128);

interface Started {
  /** Undefined if it is not a pipe. */
  readonly stdout: Readable | null;
  request(count: number): Promise<void>;
  metrics(): Promise<string>;
  /** Sends SIGTERM. @returns the exit code; null if it had to be killed. */
  stop(): Promise<number | null>;
  stderr(): string;
}

async function startServing(
  t: TestContext,
  stdout: 'pipe' | number,
  log: object = { access_log: { enabled: true } },
): Promise<Started> {
  const upstream = await startUpstream(t, (request, response) => {
    request.resume();
    response.end('ok');
  });
  const folder = await mkdtemp(join(tmpdir(), 'metergate-stdout-'));
  t.after(() => rm(folder, { recursive: true }));
  const config = join(folder, 'metergate.yaml');
  const off = { enabled: false };
  await writeFile(
    config,
    JSON.stringify({
      ...{ ...log, listen: { inference: FREE, management: FREE, metrics: FREE } },
      ...{ shutdown: { delay: '0s', timeout: '2s' }, observables: { host: off, process: off } },
      upstreams: [{ name: 'up', url: upstream.url, models: [{ name: MODEL }] }],
    }),
  );
  const child = spawn(process.execPath, [bin, 'serve', '--config', config], { stdio: ['ignore', stdout, 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit') as Promise<[number | null]>;
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const line = /^.*"msg":"serving".*$/m;
  await until('it serves', () => line.test(stderr) || child.exitCode !== null);
  assert.equal(child.exitCode, null, stderr);
  const urls = JSON.parse(line.exec(stderr)?.[0] ?? '') as { inference: string; metrics: string };
  return {
    stdout: child.stdout,
    request: async (count) => {
      const post = { method: 'POST', path: `/v2/models/${MODEL}/infer`, body: '{}' };
      for (let n = 0; n < count; n += 50) {
        const batch = Array.from({ length: 50 }, () => send(urls.inference, post));
        for (const { status } of await Promise.all(batch)) assert.equal(status, 200);
      }
    },
    metrics: async () => (await send(`${urls.metrics}/metrics`, { path: '/metrics' })).body.toString(),
    stop: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 40_000);
      const [code] = await exited;
      clearTimeout(timer);
      return code;
    },
    stderr: () => stderr,
  };
}

test('standard output gets a line per request and nothing else, all of them by the end', async (t) => {
  const gateway = await startServing(t, 'pipe');
  let text = '';
  gateway.stdout?.setEncoding('utf8').on('data', (part: string) => (text += part));
  await gateway.request(100);
  assert.equal(await gateway.stop(), 0);
  const lines = linesOf(text);
  assert.equal(lines.length, 100);
  for (const line of lines) assert.partialDeepStrictEqual(line, { outcome: 'success', status: 200, upstream: 'up' });
  assert.doesNotMatch(gateway.stderr(), /request_id/);
});

test('without access_log nothing is written there', async (t) => {
  const gateway = await startServing(t, 'pipe', {});
  let text = '';
  gateway.stdout?.setEncoding('utf8').on('data', (part: string) => (text += part));
  await gateway.request(50);
  assert.equal(await gateway.stop(), 0);
  assert.equal(text, '');
});

test('so does a file that it is redirected to', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'metergate-redirected-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'log.jsonl');
  const gateway = await startServing(t, openSync(path, 'w'));
  await gateway.request(100);
  assert.equal(await gateway.stop(), 0);
  assert.equal(linesOf(await readFile(path, 'utf8')).length, 100);
});

interface Trouble {
  readonly stdout: 'pipe' | (() => number);
  readonly cause?: (stdout: Readable | null) => void;
  /** Whether lines are dropped and counted while it runs; undefined = not before it ends. */
  readonly dropped?: boolean;
}

const troubles: Record<string, Trouble> = {
  'that is closed': { stdout: 'pipe', cause: (stdout) => void stdout?.destroy(), dropped: true },
  'that nobody reads': { stdout: 'pipe', cause: (stdout) => void stdout?.pause() },
  'on a full disk': { stdout: () => openSync('/dev/full', 'w'), dropped: true },
  'that goes nowhere': { stdout: () => openSync('/dev/null', 'w'), dropped: false },
};
for (const [name, { stdout, cause, dropped }] of Object.entries(troubles)) {
  test(`a standard output ${name} costs no request, and the gateway ends as ever`, async (t) => {
    const gateway = await startServing(t, typeof stdout === 'function' ? stdout() : stdout);
    cause?.(gateway.stdout);
    await gateway.request(400);
    const count = /^metergate_access_log_lines_dropped_total\{[^}]*\} ([1-9]\d*)$/m;
    if (dropped) await until('some are counted', async () => count.test(await gateway.metrics()));
    if (dropped === false) assert.doesNotMatch(await gateway.metrics(), count);
    assert.equal(await gateway.stop(), 0);
    assert.match(gateway.stderr(), /"msg":"stopped"/);
    assert.doesNotMatch(gateway.stderr(), /node:internal|Unhandled/);
  });
}
