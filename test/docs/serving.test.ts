import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { deadlineIn } from '../../src/std/deadline.ts';
import { send } from '../serving/proxy/downstream.ts';
import { startProxy, upstreamAt } from '../serving/proxy/running-proxy.ts';
import { startUpstream } from '../serving/proxy/upstream-servers.ts';
import { until } from '../support/until.ts';

const page = await readFile(new URL('../../docs/serving.md', import.meta.url), 'utf8');
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('docs/serving.md lists the fields of the access log, and none that is not there', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'metergate-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'access.jsonl');
  const waiting: (() => void)[] = [];
  const upstream = await startUpstream(t, (request, response) => {
    request.resume();
    waiting.push(() => response.end('{}'));
  });
  const limited = upstreamAt(upstream.url, { requestsInFlightMax: 1, models: [{ name: 'iris', version: '1' }] });
  const running = await startProxy(t, [limited], { accessLog: { path } });

  const infer = '/v2/models/iris/versions/1/infer';
  const ask = () =>
    send(running.url, { method: 'POST', path: infer, body: '{}', headers: { traceparent: TRACEPARENT } });
  const asked = [ask(), ask()];
  await until('one is in flight and one waits', () => waiting.length === 1 && running.inFlight() === 2);
  waiting[0]?.();
  await until('the other one has its place', () => waiting.length === 2);
  waiting[1]?.();
  await Promise.all([...asked, send(running.url, { path: '/a/../b' })]);
  await running.proxy.shutdown(deadlineIn(5_000));

  const lines = (await readFile(path, 'utf8')).trim().split('\n');
  const fields = new Set(lines.flatMap((line) => Object.keys(JSON.parse(line) as object)));
  const [, section = ''] = /\n## The access log\n([^]*)$/.exec(page) ?? [];
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  const listed = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name));
  assert.deepEqual([...fields].sort(), listed.sort());
});
