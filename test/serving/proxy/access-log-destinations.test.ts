import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deadlineIn } from '../../../src/std/deadline.ts';
import { until } from '../../support/until.ts';
import { send } from './downstream.ts';
import { fileToLogTo, linesAfter, linesOf } from './logged-lines.ts';
import { assertCounts, createTestProxy, INFER, startProxy, upstreamAt, type RunningProxy } from './running-proxy.ts';
import { startUpstream } from './upstream-servers.ts';

const DROPPED = 'metergate.access_log.lines.dropped';
/** So long that a few hundred lines are more than anybody keeps for a slow reader. */
const LONG_NAME = 'u'.repeat(10_000);

/** A proxy that logs to `path`, and what sends so many requests through it, all of which must be answered 200. */
async function startLogging(t: TestContext, path: string, name = 'up') {
  const upstream = await startUpstream(t, (request, response) => {
    request.resume();
    response.end('ok');
  });
  const running = await startProxy(t, [upstreamAt(upstream.url, { name })], { accessLog: { path } });
  const request = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += 50) {
      const batch = Array.from({ length: Math.min(50, count - n) }, () =>
        send(running.url, { method: 'POST', path: INFER, body: '{}' }),
      );
      for (const { status } of await Promise.all(batch)) assert.equal(status, 200);
    }
  };
  return { running, request };
}

const dropped = ({ telemetry }: RunningProxy): Promise<number> => telemetry.value(DROPPED);

test('a file that is there already is appended to', async (t) => {
  const path = await fileToLogTo(t);
  await writeFile(path, '{"before": true}\n');
  for (let run = 1; run <= 2; run++) {
    const { running, request } = await startLogging(t, path);
    await request(3);
    assert.equal((await linesAfter(running, path)).length, 1 + run * 3);
  }
  assert.ok((await readFile(path, 'utf8')).startsWith('{"before": true}\n'));
});

test('lines are there after a while without a shutdown, and at once where there are many', async (t) => {
  const path = await fileToLogTo(t);
  const { running, request } = await startLogging(t, path);
  const written = async () => linesOf(await readFile(path, 'utf8')).length;
  await request(1);
  await until('it is written', async () => (await written()) === 1);
  await request(1_000);
  await until('most are written', async () => (await readFile(path, 'utf8')).length > 150_000);
  assert.equal((await linesAfter(running, path)).length, 1_001);
  assert.equal(await dropped(running), 0);
});

test('a file that is copied and truncated, as rotation does it, is written from its start', async (t) => {
  const path = await fileToLogTo(t);
  const { running, request } = await startLogging(t, path);
  await request(1);
  await until('it is written', async () => (await readFile(path, 'utf8')) !== '');
  await truncate(path);
  await request(2);
  assert.equal((await linesAfter(running, path)).length, 2);
});

test('a shutdown without any time left still writes the lines of a file', async (t) => {
  const path = await fileToLogTo(t);
  const { running, request } = await startLogging(t, path);
  await request(500);
  await running.proxy.shutdown(deadlineIn(0));
  assert.equal(linesOf(await readFile(path, 'utf8')).length, 500);
});

const unusable: Record<string, (path: string) => Promise<unknown>> = {
  'in a folder that is not there': () => Promise.resolve(),
  'that is a folder': (path) => mkdir(path, { recursive: true }),
  'that is a pipe which nobody reads': async (path) => {
    await mkdir(dirname(path));
    execFileSync('mkfifo', [path]);
  },
};
for (const [name, prepare] of Object.entries(unusable)) {
  test(`a path ${name} aborts the start, and the error names key and path`, async (t) => {
    const path = (await fileToLogTo(t)).replace('access.jsonl', 'folder/access.jsonl');
    await prepare(path);
    const { proxy } = createTestProxy([upstreamAt('http://127.0.0.1:1')], { accessLog: { path } });
    t.after(() => proxy.shutdown(deadlineIn(0)));
    await assert.rejects(proxy.start(), ({ message }: Error) => message.startsWith(`access_log.path: ${path} `));
    assert.equal(proxy.ready(), false);
  });
}

test('a full disk costs no request, and every line is counted as dropped, once', async (t) => {
  const { running, request } = await startLogging(t, '/dev/full');
  await request(250);
  await until('it is noticed', async () => (await dropped(running)) > 0);
  await sleep(1_500);
  await request(50);
  await running.proxy.shutdown(deadlineIn(1_000));
  await assertCounts(running, { success: 300 });
  assert.equal(await dropped(running), 300);
  await sleep(1_500);
  assert.equal(await dropped(running), 300);
  assert.ok(
    running.telemetry.lines.some(
      ({ message, fields }) => message === 'access log lines dropped' && JSON.stringify(fields).includes('ENOSPC'),
    ),
  );
});

/** All that is in the pipe now. */
function readAll(fd: number): string {
  const parts: Buffer[] = [];
  const part = Buffer.alloc(64 * 1024);
  for (;;) {
    try {
      const bytes = readSync(fd, part);
      if (bytes === 0) break;
      parts.push(Buffer.from(part.subarray(0, bytes)));
    } catch {
      break;
    }
  }
  return Buffer.concat(parts).toString();
}

async function openPipe(t: TestContext): Promise<{ path: string; fd: number }> {
  const path = await fileToLogTo(t);
  execFileSync('mkfifo', [path]);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  t.after(() => closeSync(fd));
  return { path, fd };
}

test('a pipe that nobody reads costs no request, what is too much is dropped and counted, and a shutdown ends in time', async (t) => {
  const { path, fd } = await openPipe(t);
  const { running, request } = await startLogging(t, path, LONG_NAME);
  await request(600);
  await until('some are dropped', async () => (await dropped(running)) > 0);
  const early = await dropped(running);
  assert.ok(early < 300, String(early));
  await running.proxy.shutdown(deadlineIn(100));
  await assertCounts(running, { success: 600 });
  // The last one may be cut off, and then it is dropped.
  const [...whole] = readAll(fd).split('\n').slice(0, -1);
  assert.ok(whole.length > 0);
  for (const line of whole) assert.equal((JSON.parse(line) as { upstream: string }).upstream, LONG_NAME);
  const lost = (await dropped(running)) + whole.length;
  assert.ok(lost >= 600, `${lost} of 600`);
});

test('a pipe that is read slowly gets every line', async (t) => {
  const { path, fd } = await openPipe(t);
  const { running, request } = await startLogging(t, path, LONG_NAME);
  await request(200);
  let text = '';
  const reading = setInterval(() => (text += readAll(fd)), 5);
  t.after(() => clearInterval(reading));
  await running.proxy.shutdown(deadlineIn(10_000));
  text += readAll(fd);
  assert.equal(linesOf(text).length, 200);
  assert.equal(await dropped(running), 0);
});

test('a pipe whose reader goes away costs no request, and another reader gets what comes then', async (t) => {
  const path = await fileToLogTo(t);
  execFileSync('mkfifo', [path]);
  const first = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const { running, request } = await startLogging(t, path);
  closeSync(first);
  await request(100);
  await until('it is noticed', async () => (await dropped(running)) === 100);
  const second = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  t.after(() => closeSync(second));
  await request(10);
  await running.proxy.shutdown(deadlineIn(2_000));
  assert.equal(linesOf(readAll(second)).length, 10);
  assert.equal(await dropped(running), 100);
});
