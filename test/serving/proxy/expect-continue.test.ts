import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { until } from '../../support/until.ts';
import { connectTo } from './downstream.ts';
import { answerHash, asking, CONTINUE, countOf, LENGTH_4, sha256 } from './expecting.ts';
import { assertCounts, INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { startRawUpstream, startUpstream } from './upstream-servers.ts';

const MEBIBYTE = randomBytes(1024 * 1024);

const bodies: Record<string, { body: Buffer; lines: string[]; framed?: Buffer }> = {
  'a small body': { body: Buffer.from('body'), lines: ['content-length: 4'] },
  'an empty body': { body: Buffer.alloc(0), lines: ['content-length: 0'] },
  '1 MiB': { body: MEBIBYTE, lines: [`content-length: ${MEBIBYTE.length}`] },
  '1 MiB in chunks': {
    body: MEBIBYTE,
    lines: ['transfer-encoding: chunked'],
    framed: Buffer.concat([Buffer.from(`${MEBIBYTE.length.toString(16)}\r\n`), MEBIBYTE, Buffer.from('\r\n0\r\n\r\n')]),
  },
};
for (const [name, { body, lines, framed = body }] of Object.entries(bodies)) {
  test(`${name} that waits for a 100 is sent after one, and arrives as it is`, async (t) => {
    const upstream = await startUpstream(t, answerHash);
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, running.url);
    for (let round = 1; round <= 2; round++) {
      downstream.write(asking(lines));
      await until('it may go on', () => countOf(downstream, CONTINUE) === round);
      downstream.write(framed);
      await until('it is answered', () => countOf(downstream, `100-continue ${sha256(body)}`) === round);
    }
    assert.equal(countOf(downstream, CONTINUE), 2);
    await assertCounts(running, { success: 2 });
  });
}

const finals: Record<string, { says: string; status: number }> = {
  'a 413': { says: 'HTTP/1.1 413 Large\r\ncontent-length: 5\r\n\r\nlarge', status: 413 },
  'a 417': { says: 'HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\n\r\n', status: 417 },
  'a 401 that closes': { says: 'HTTP/1.1 401 No\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno', status: 401 },
  'a 200': { says: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok', status: 200 },
};
for (const [name, { says, status }] of Object.entries(finals)) {
  test(`where the upstream answers ${name} at once, there is no 100, and no body is waited for`, async (t) => {
    const upstream = await startRawUpstream(t, (socket) => socket.write(says));
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, running.url);
    downstream.write(LENGTH_4);
    await downstream.see(says.split('\r\n\r\n')[1] ?? '');
    await assertCounts(running, status < 400 ? { success: 1 } : { failure: 1 });
    assert.ok(downstream.received().startsWith(`HTTP/1.1 ${status} `));
    assert.equal(countOf(downstream, CONTINUE), 0);
    assert.doesNotMatch(upstream.received(), /body/);

    // One that sends its body all the same gets its next answer, too, or is told that there is none.
    downstream.write(`bodyGET /v2 HTTP/1.1\r\nhost: a\r\n\r\n`);
    if (/^connection: close$/im.test(downstream.received())) await downstream.closed;
    else await until('the next is answered', () => countOf(downstream, `HTTP/1.1 ${status} `) === 2);
  });
}

test('of two 100s of the upstream one passes', async (t) => {
  const upstream = await startRawUpstream(t, (socket, received) => {
    if (received.endsWith('\r\n\r\n')) socket.write(CONTINUE + CONTINUE);
    if (received.endsWith('body')) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(LENGTH_4);
  await downstream.see(CONTINUE);
  downstream.write('body');
  await downstream.see('\r\n\r\nok');
  assert.equal(countOf(downstream, CONTINUE), 1);
  await assertCounts(running, { success: 1 });
});

test('a downstream that is tired of waiting sends its body, and gets its answer without a 100', async (t) => {
  const upstream = await startRawUpstream(t, (socket, received) => {
    if (received.endsWith('body')) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  });
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(LENGTH_4);
  await until('the upstream has the head', () => upstream.received().endsWith('\r\n\r\n'));
  downstream.write('body');
  await downstream.see('\r\n\r\nok');
  assert.equal(countOf(downstream, CONTINUE), 0);
  await assertCounts(running, { success: 1 });
});

for (const patient of [true, false]) {
  test(`a 100 waits for its turn, as answers do, where the downstream ${patient ? 'waits' : 'does not wait'} for it`, async (t) => {
    let answerFirst = (): void => {};
    const upstream = await startUpstream(t, (request, response) => {
      if (request.method === 'GET') answerFirst = () => response.end('first');
      else answerHash(request, response);
    });
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, running.url);
    downstream.write(`GET /v2 HTTP/1.1\r\nhost: a\r\n\r\n${LENGTH_4}`);
    await until('the upstream has both', () => upstream.seen.length === 2);
    if (!patient) downstream.write('body');
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(downstream.received(), '');
    answerFirst();
    if (patient) {
      await downstream.see(CONTINUE);
      downstream.write('body');
    }
    await downstream.see(sha256(Buffer.from('body')));
    assert.match(
      downstream.received(),
      /^HTTP\/1\.1 200 .*first(HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 200 ((?!HTTP\/1).)*$/s,
    );
  });
}

test('a downstream that leaves while it waits has left', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const running = await startProxy(t, [upstreamAt(upstream.url)]);
  const downstream = await connectTo(t, running.url);
  downstream.write(LENGTH_4);
  await until('the upstream has the head', () => upstream.received() !== '');
  downstream.socket.destroy();
  await assertCounts(running, { aborted: 1 });
  await until('the connection to the upstream is closed', () => upstream.sockets.every(({ destroyed }) => destroyed));
});

const ignored: Record<string, { version: string; expect: string }> = {
  'of something else': { version: '1.1', expect: 'the best' },
  'of a 100 by HTTP/1.0, which knows none': { version: '1.0', expect: '100-continue' },
};
for (const [name, { version, expect }] of Object.entries(ignored)) {
  test(`an expectation ${name} is ignored, and not passed on`, async (t) => {
    const upstream = await startUpstream(t, answerHash);
    const running = await startProxy(t, [upstreamAt(upstream.url)]);
    const downstream = await connectTo(t, running.url);
    downstream.write(`POST ${INFER} HTTP/${version}\r\nhost: a\r\nexpect: ${expect}\r\ncontent-length: 4\r\n\r\nbody`);
    await downstream.see(`undefined ${sha256(Buffer.from('body'))}`);
    assert.equal(countOf(downstream, CONTINUE), 0);
    await assertCounts(running, { success: 1 });
  });
}
