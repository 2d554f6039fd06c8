import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, test, type TestContext } from 'node:test';
import { until } from '../../support/until.ts';
import { connectTo } from './downstream.ts';
import { closed, dispatch, over, saying } from './recorded-dispatch.ts';
import { timeoutsFor } from './timeouts.ts';
import { startRawUpstream, startUpstream } from './upstream-servers.ts';

describe('a request body', { concurrency: true }, () => {
  test('of a known length passes as it comes, and the head does not wait for it', async (t) => {
    const upstream = await startRawUpstream(t, (socket, received) => {
      if (received.endsWith('hello')) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    });
    const body = new PassThrough();
    const recorder = dispatch(t, upstream.url, { method: 'POST', headers: ['Content-Length', '5'], body });
    await until('the head has come', () => upstream.received().includes('\r\n\r\n'));
    body.write('hel');
    await until('a part has come', () => upstream.received().endsWith('hel'));
    body.end('lo');
    await over(recorder);
    assert.doesNotMatch(upstream.received(), /chunked/i);
    assert.equal(recorder.told.at(-1), 'end');
  });

  const whole: Record<string, { method: string; body: Buffer | null; headers?: string[]; framing: RegExp }> = {
    'that is there': { method: 'POST', body: Buffer.from('hi'), framing: /\r\ncontent-length: 2\r\n\r\nhi$/ },
    'that is there, with its length said': {
      method: 'POST',
      body: Buffer.from('hi'),
      headers: ['Content-Length', '2'],
      framing: /\r\nContent-Length: 2\r\n\r\nhi$/,
    },
    'that is empty': { method: 'POST', body: null, framing: /\r\ncontent-length: 0\r\n\r\n$/ },
    'that nobody expects': { method: 'GET', body: null, framing: /keep-alive\r\n\r\n$/ },
  };
  for (const [name, { method, body, headers = [], framing }] of Object.entries(whole)) {
    test(`${name} is framed once`, async (t) => {
      const upstream = await startRawUpstream(t, (socket, received) => {
        if (framing.test(received)) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
      });
      await over(dispatch(t, upstream.url, { method, body, headers }));
      const received = upstream.received();
      assert.match(received, framing);
      assert.doesNotMatch(received, /chunked/);
      assert.equal(received.match(/content-length/gi)?.length ?? 0, method === 'GET' ? 0 : 1);
    });
  }

  test('waits for an upstream that does not read, and not for ever', async (t) => {
    const upstream = await startRawUpstream(t, (socket) => socket.pause());
    const body = new PassThrough();
    body.on('error', () => {});
    let written = 0;
    const write = (): void => {
      while (!body.destroyed && body.write(Buffer.alloc(64 * 1024))) written += 64 * 1024;
    };
    body.on('drain', write);
    const recorder = dispatch(t, upstream.url, { method: 'POST', body, limits: { responseHeadersMs: 500 } });
    write();
    await over(recorder);
    assert.equal(recorder.code, 'upstream_response_timeout');
    assert.ok(written < 64 * 1024 * 1024, `${written} bytes`);
    assert.equal(body.destroyed, true);
  });

  for (const [name, error] of [
    ['breaks', new Error('gone')],
    ['is cut', undefined],
  ] as const) {
    test(`that ${name} ends the dispatch and the connection`, async (t) => {
      const upstream = await startRawUpstream(t, () => {});
      const body = new PassThrough();
      const recorder = dispatch(t, upstream.url, { method: 'POST', body });
      body.write('part');
      await until('a part has come', () => upstream.received().includes('part'));
      body.destroy(error);
      await over(recorder);
      if (error !== undefined) assert.equal(recorder.error, error);
      await closed(upstream.sockets);
      assert.ok(!upstream.received().endsWith('0\r\n\r\n'));
    });
  }

  test('that is broken before there is a connection ends the dispatch when there is one', async (t) => {
    const upstream = await startRawUpstream(t, () => {});
    const body = new PassThrough().on('error', () => {});
    const recorder = dispatch(t, upstream.url, { method: 'POST', body });
    body.destroy(new Error('gone'));
    await over(recorder);
    assert.deepEqual([recorder.told, recorder.error?.message], [['start', 'error'], 'gone']);
  });

  test('is given up when the answer comes before its end', async (t) => {
    const upstream = await startUpstream(t, (_request, response) => response.writeHead(413).end('too large'));
    const body = new PassThrough();
    const recorder = dispatch(t, upstream.url, { method: 'POST', body });
    body.write(Buffer.alloc(1024 * 1024));
    await over(recorder);
    assert.equal(recorder.body, 'too large', String(recorder.error));
    assert.equal(body.destroyed, true);
  });

  test('and a response that streams at the same time both come to their end', async (t) => {
    const upstream = await startUpstream(t, (request, response) => {
      response.write('early ');
      request.resume().on('end', () => response.end('late'));
    });
    const body = new PassThrough();
    const recorder = dispatch(t, upstream.url, { method: 'POST', body });
    body.write('half');
    await until('the response has begun', () => recorder.body === 'early ');
    body.end('half');
    await over(recorder);
    assert.equal(recorder.body, 'early late');
  });
});

describe('Expect: 100-continue', { concurrency: true }, () => {
  test('the body comes after the 100, and the 100 is told once', async (t) => {
    const upstream = await startRawUpstream(t, (socket, received) => {
      if (received.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 100 Continue\r\n\r\n'.repeat(2));
      if (received.endsWith('body')) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    });
    const body = new PassThrough();
    const headers = ['content-length', '4'];
    const recorder = dispatch(t, upstream.url, { method: 'POST', headers, body, expectsContinue: true });
    await until('the 100 is told', () => recorder.told.includes('continue'));
    assert.match(upstream.received(), /\r\nexpect: 100-continue\r\n/);
    body.end('body');
    await over(recorder);
    assert.deepEqual(recorder.told, ['start', 'continue', 'head 200 OK {"content-length":"0"}', 'end']);
  });

  test('a final answer without a 100 passes', async (t) => {
    const url = await saying('HTTP/1.1 417 Expectation Failed\r\ncontent-length: 2\r\n\r\nno')(t);
    const body = new PassThrough();
    const recorder = dispatch(t, url, { method: 'POST', body, expectsContinue: true });
    await over(recorder);
    assert.deepEqual([recorder.told[1], recorder.body], ['head 417 Expectation Failed {"content-length":"2"}', 'no']);
    assert.equal(body.destroyed, true);
  });

  test('a body that comes without waiting passes', async (t) => {
    const upstream = await startUpstream(t, (request, response) => request.pipe(response));
    const body = new PassThrough();
    const recorder = dispatch(t, upstream.url, { method: 'POST', body, expectsContinue: true });
    body.end('impatient');
    await over(recorder);
    assert.equal(recorder.body, 'impatient');
  });

  test('an upstream that says nothing is too late, one that said 100 waits for the body', async (t) => {
    const silent = dispatch(t, await saying('')(t), {
      ...{ method: 'POST', body: new PassThrough(), expectsContinue: true },
      limits: timeoutsFor('upstream_response_timeout'),
    });
    await over(silent);
    assert.equal(silent.code, 'upstream_response_timeout');
    const body = new PassThrough();
    const upstream = await startUpstream(t, (request, response) => request.pipe(response));
    const limits = { responseHeadersMs: 400 };
    const waiting = dispatch(t, upstream.url, { method: 'POST', body, expectsContinue: true, limits });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    body.end('late');
    await over(waiting);
    assert.equal(waiting.body, 'late', String(waiting.error));
  });
});

describe('trailers of a request', { concurrency: true }, () => {
  /** A downstream's real request, passed on with its body as a stream or whole. */
  async function passOn(t: TestContext, text: string, whole = false): Promise<string> {
    const upstream = await startRawUpstream(t, (socket, received) => {
      if (/(?:\r\n0\r\n(?:.+\r\n)*\r\n|content-length: \d+\r\n(?:.+\r\n)*\r\n.+)$/.test(received)) {
        socket.write('HTTP/1.1 204 No Content\r\n\r\n');
      }
    });
    const server = createServer((request, response) => {
      const start = (body: PassThrough | Buffer): void => {
        const headers = request.headers['content-length'] ? ['content-length', request.headers['content-length']] : [];
        const react = (event: string): void => {
          if (event === 'end' || event === 'error') response.end(`it is at its ${event}`);
        };
        dispatch(t, upstream.url, { method: 'POST', request, headers: [...headers, 'trailer', 'x-sum'], body, react });
      };
      if (whole) request.once('readable', () => setTimeout(() => start(request.read() as Buffer), 20));
      else start(request.pipe(new PassThrough()));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const downstream = await connectTo(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    downstream.write(text);
    await downstream.see('it is at its end');
    downstream.socket.end();
    return upstream.received();
  }

  const head = 'POST / HTTP/1.1\r\nhost: a\r\nconnection: x-private\r\n';
  // Node itself refuses content-length and transfer-encoding there.
  const forbidden =
    'Host: b\r\nConnection: x\r\nAuthorization: a\r\nX-Forwarded-For: b\r\nIf-Match: c\r\nX-Private: d\r\n';
  const sent = `${head}trailer: X-Sum, content-length\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: caf\xe9\r\n${forbidden}x-sum: 2\r\n\r\n`;
  for (const whole of [false, true]) {
    test(`are passed on behind a body ${whole ? 'that is there' : 'as it comes'}, less those that no trailer may say`, async (t) => {
      const received = await passOn(t, sent, whole);
      const [, fields = ''] = received.split('hi\r\n0\r\n');
      assert.equal(fields, 'X-Sum: caf\xc3\xa9\r\nx-sum: 2\r\n\r\n');
      assert.match(received, /\r\ntransfer-encoding: chunked\r\ntrailer: X-Sum\r\n\r\n2\r\nhi\r\n/);
      assert.equal(received.match(/trailer:/gi)?.length, 1);
    });
  }

  test('are not announced where there is a length', async (t) => {
    const received = await passOn(t, `${head}trailer: x-sum\r\ncontent-length: 2\r\n\r\nhi`);
    assert.match(received, /content-length: 2\r\n\r\nhi$/);
    assert.doesNotMatch(received, /trailer/);
  });
});

describe('an upgrade', { concurrency: true }, () => {
  const upgrade = 'websocket';

  test('that the upstream agrees to hands over the connection, with what came behind the head', async (t) => {
    const upstream = await startRawUpstream(t, (socket, received) => {
      if (received.endsWith('\r\n\r\n')) {
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-A: 1\r\n\r\nhead',
        );
      }
      if (received.endsWith('ping')) socket.write('pong');
    });
    const limits = { connectMs: 400, responseHeadersMs: 400, idleMs: 400 };
    const recorder = dispatch(t, upstream.url, { upgrade, limits });
    await over(recorder);
    assert.match(upstream.received(), /\r\nconnection: upgrade\r\nupgrade: websocket\r\n/);
    assert.deepEqual(recorder.told, ['start', 'upgrade 101 {"connection":"Upgrade","upgrade":"websocket","x-a":"1"}']);
    const { socket, head } = recorder.upgraded ?? assert.fail();
    assert.equal(head, 'head');
    // No timeout is left that could end it, and neither can the dispatcher.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    recorder.controller?.abort(new Error('late'));
    socket.write('ping');
    assert.equal(String((await once(socket, 'data'))[0]), 'pong');
    socket.destroy();
  });

  test('that the upstream answers otherwise is an ordinary response', async (t) => {
    const text = 'HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: h2c\r\ncontent-length: 2\r\n\r\nno';
    const recorder = dispatch(t, await saying(text)(t), { upgrade });
    await over(recorder);
    assert.match(recorder.told[1] ?? '', /^head 426 /);
    assert.deepEqual([recorder.told.at(-1), recorder.body], ['end', 'no']);
  });

  test('that is not answered is too late', async (t) => {
    const recorder = dispatch(t, await saying('')(t), { upgrade, limits: timeoutsFor('upstream_response_timeout') });
    await over(recorder);
    assert.equal(recorder.code, 'upstream_response_timeout');
  });
});
