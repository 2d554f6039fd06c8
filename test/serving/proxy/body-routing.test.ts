import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { protocols } from '../../../src/serving/protocols/index.ts';
import { until } from '../../support/until.ts';
import { connectTo, rawPost, send, type RawConnection } from './downstream.ts';
import { assertCounts, startProxy, upstreamAt, type RunningProxy } from './running-proxy.ts';
import { startUpstream } from './upstream-servers.ts';

const CHAT = '/v1/chat/completions';
const protocol = protocols.openai({ name: 'llm', models: [], routes: [] });

interface Took {
  readonly by: string;
  readonly sha256: string;
  readonly headers: IncomingMessage['headers'];
}

/** An upstream for the model `gpt`, and one for all others unless there is none, that write down what came. */
async function startRouted(t: TestContext, { withDefault = true } = {}) {
  const took: Took[] = [];
  const start = async (by: string) => {
    const { url } = await startUpstream(t, (request, response) => {
      const hash = createHash('sha256');
      request.on('data', (chunk: Buffer) => hash.update(chunk));
      request.on('end', () => {
        took.push({ by, sha256: hash.digest('hex'), headers: request.headers });
        response.end(by);
      });
    });
    return url;
  };
  const gpt = upstreamAt(await start('gpt'), { protocol, name: 'gpt', match: { hosts: [], models: ['gpt'] } });
  const other = upstreamAt(await start('other'), { protocol, name: 'other', models: [] });
  return { took, running: await startProxy(t, withDefault ? [gpt, other] : [gpt]) };
}

const sha256 = (body: Buffer): string => createHash('sha256').update(body).digest('hex');
const json = (...members: string[]): Buffer => Buffer.from(`{${members.join(',')}}`);
const MODEL = '"model":"gpt"';
const prompt = (bytes: number): string => `"prompt":"${'x'.repeat(bytes)}"`;

/** Bodies, and who is to get them. */
const bodies: Record<string, { body: Buffer; goes: 'gpt' | 'other'; headers?: Record<string, string> }> = {
  'names the model first': { body: json(MODEL, prompt(10)), goes: 'gpt' },
  'names the model last': { body: json(prompt(10), MODEL), goes: 'gpt' },
  'names the model behind 60 KiB': { body: json(prompt(60 * 1024), MODEL), goes: 'gpt' },
  'names the model first of 2 MiB': { body: json(MODEL, prompt(2 * 1024 * 1024)), goes: 'gpt' },
  'names the model last of 2 MiB': { body: json(prompt(2 * 1024 * 1024), MODEL), goes: 'other' },
  'names the model behind 68 KiB': { body: json(prompt(68 * 1024), MODEL), goes: 'other' },
  'has named the model at byte 65,536': { body: json(prompt(65_510), MODEL), goes: 'gpt' },
  'has named the model at byte 65,537': { body: json(prompt(65_511), MODEL), goes: 'other' },
  'names another model': { body: json('"model":"gpt-2"'), goes: 'other' },
  'names none': { body: json(prompt(10)), goes: 'other' },
  'names a number': { body: json('"model":7'), goes: 'other' },
  'names the model within another object': { body: json(`"a":{${MODEL}}`), goes: 'other' },
  'is broken behind the model': { body: Buffer.from(`{${MODEL},,,`), goes: 'gpt' },
  'is broken before the model': { body: Buffer.from(`{"a" "b",${MODEL}}`), goes: 'other' },
  'ends in the name of the model': { body: Buffer.from('{"model":"gp'), goes: 'other' },
  'is no JSON': { body: Buffer.from('model=gpt'), goes: 'other' },
  'is bytes of any kind': { body: Buffer.from([0, 1, 2, 255, 254, 0xef, 0xbb]), goes: 'other' },
  'is an array': { body: Buffer.from(`[{${MODEL}}]`), goes: 'other' },
  'is a form': {
    body: Buffer.from('--b\r\ncontent-disposition: form-data; name="model"\r\n\r\ngpt\r\n--b--\r\n'),
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    goes: 'other',
  },
  'is compressed': { body: gzipSync(json(MODEL)), headers: { 'content-encoding': 'gzip' }, goes: 'other' },
  'has a byte order mark': { body: Buffer.concat([Buffer.from('\uFEFF'), json(MODEL)]), goes: 'gpt' },
};

type Sender = (connection: RawConnection, head: string, body: Buffer) => Promise<void>;

async function sendSlices({ socket }: RawConnection, body: Buffer, wrap: (slice: Buffer) => Buffer): Promise<void> {
  const size = body.length > 10_000 ? 16_000 : 5;
  for (let at = 0; at < body.length; at += size) {
    if (!socket.write(wrap(body.subarray(at, at + size)))) await sleep(1);
    if (at < 50) await sleep(2);
  }
}

/** Ways of a body to come: with its head or behind it, in one piece, in pieces or in chunks. */
const senders: Record<string, Sender> = {
  'in one piece with its head': ({ socket }, head, body) => {
    socket.write(Buffer.concat([Buffer.from(`${head}content-length: ${body.length}\r\n\r\n`), body]));
    return Promise.resolve();
  },
  'in pieces': async (connection, head, body) => {
    connection.write(`${head}content-length: ${body.length}\r\n\r\n`);
    await sendSlices(connection, body, (slice) => slice);
  },
  'in chunks': async (connection, head, body) => {
    connection.write(`${head}transfer-encoding: chunked\r\n\r\n`);
    const chunk = (slice: Buffer): Buffer =>
      Buffer.concat([Buffer.from(`${slice.length.toString(16)}\r\n`), slice, Buffer.from('\r\n')]);
    await sendSlices(connection, body, chunk);
    connection.write('0\r\n\r\n');
  },
};
for (const [how, sendBody] of Object.entries(senders)) {
  for (const [name, { body, goes, headers = {} }] of Object.entries(bodies)) {
    test(`${how}: a body that ${name} comes whole to ${goes === 'gpt' ? 'its upstream' : 'the other one'}`, async (t) => {
      const { took, running } = await startRouted(t);
      const downstream = await connectTo(t, running.url);
      const lines = Object.entries(headers).map(([key, value]) => `${key}: ${value}\r\n`);
      await sendBody(downstream, `POST ${CHAT} HTTP/1.1\r\nhost: a\r\n${lines.join('')}`, body);
      await until('it has come', () => took.length > 0);
      assert.deepEqual(
        took.map((each) => [each.by, each.sha256]),
        [[goes, sha256(body)]],
      );
      for (const [key, value] of Object.entries(headers)) assert.equal(took[0]?.headers[key], value);
      await assertCounts(running, { success: 1 });
      await assertModel(running, goes === 'gpt' ? 'gpt' : name === 'names another model' ? 'gpt-2' : '_other');
    });
  }
}

async function assertModel({ telemetry }: RunningProxy, model: string): Promise<void> {
  assert.equal(await telemetry.value('inference.requests', { 'inference.model.name': model }), 1);
}

test('a request without a body names no model', async (t) => {
  const { took, running } = await startRouted(t);
  const downstream = await connectTo(t, running.url);
  downstream.write(`POST ${CHAT} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n`);
  downstream.write(`POST ${CHAT} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`);
  await assertCounts(running, { success: 2 });
  assert.deepEqual(
    took.map(({ by }) => by),
    ['other', 'other'],
  );
});

test('without an upstream that takes any model, another model is answered 404 and rejected', async (t) => {
  const { took, running } = await startRouted(t, { withDefault: false });
  for (const body of [json('"model":"gpt-2"'), json(prompt(200_000), MODEL), Buffer.from('no JSON')]) {
    const answer = await send(running.url, { method: 'POST', path: CHAT, body });
    assert.equal(answer.status, 404);
    assert.equal((JSON.parse(answer.body.toString()) as { code: string }).code, 'no_route');
  }
  assert.equal((await send(running.url, { method: 'POST', path: CHAT, body: json(MODEL) })).status, 200);
  assert.equal(took.length, 1);
  await assertCounts(running, { success: 1, rejected: 3 });
});

test('the requests of one connection each go their own way', async (t) => {
  const { took, running } = await startRouted(t);
  const downstream = await connectTo(t, running.url);
  const names = ['gpt', 'other', 'gpt', 'gpt', 'other'];
  downstream.write(names.map((name) => rawPost(CHAT, `{"model":"${name}"}`)).join(''));
  await assertCounts(running, { success: 5 });
  assert.deepEqual(
    downstream.received().match(/\r\n\r\n(?:gpt|other)/g),
    names.map((name) => `\r\n\r\n${name}`),
  );
  assert.deepEqual(took.map(({ by }) => by).sort(), [...names].sort());
});
