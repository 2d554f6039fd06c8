import assert from 'node:assert/strict';
import { once } from 'node:events';
import { IncomingMessage } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { Socket, type AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, test, type TestContext } from 'node:test';
import type { Dispatcher } from 'undici';
import type { ProxyErrorCode } from '../../../src/serving/proxy/errors.ts';
import { createNodeDispatcher } from '../../../src/serving/proxy/node-dispatcher.ts';
import { until } from '../../support/until.ts';
import { closed, dispatch, over, Recorder, saying } from './recorded-dispatch.ts';
import { testCertificate, testKey } from './test-certificate.ts';
import { timeoutsFor } from './timeouts.ts';
import { closedUrl, startRawUpstream, startStuckUpstream, startUpstream } from './upstream-servers.ts';

describe('a response', { concurrency: true }, () => {
  test('comes with its head, body and trailers, and the connection is closed', async (t) => {
    const head = 'HTTP/1.1 200 Fine\r\nX-A: 1\r\nx-a: 2\r\nX-B: caf\xe9\r\ntransfer-encoding: chunked\r\n\r\n';
    const upstream = await startRawUpstream(t, (socket) =>
      socket.write(`${head}2\r\nok\r\n0\r\nX-T: t\r\n\r\n`, 'latin1'),
    );
    const recorder = dispatch(t, upstream.url, { path: '/a?b=%20', headers: ['X-C', 'caf\xe9'] });
    await over(recorder);
    assert.deepEqual(recorder.told, [
      'start',
      'head 200 Fine {"x-a":["1","2"],"x-b":"caf\xe9","transfer-encoding":"chunked"}',
      'end {"x-t":"t"}',
    ]);
    assert.equal(recorder.body, 'ok');
    await closed(upstream.sockets);
    const { host } = new URL(upstream.url);
    assert.equal(
      upstream.received(),
      `GET /a?b=%20 HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\nX-C: caf\xe9\r\n\r\n`,
    );
  });

  const framings: Record<string, { text: string; method?: string; body: string }> = {
    'with a length': { text: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok', body: 'ok' },
    'that the end of the connection ends': { text: 'HTTP/1.1 200 OK\r\n\r\nok', body: 'ok' },
    'to HEAD': { text: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n', method: 'HEAD', body: '' },
    'without content': { text: 'HTTP/1.1 204 No Content\r\n\r\n', body: '' },
    'with something behind it': { text: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok and more', body: 'ok' },
    'with another behind it': { text: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'.repeat(2), body: 'ok' },
    'with many headers': {
      text: `HTTP/1.1 200 OK\r\n${'a:\r\n'.repeat(1_500)}content-length: 2\r\n\r\nok`,
      body: 'ok',
    },
  };
  for (const [name, { text, method = 'GET', body }] of Object.entries(framings)) {
    test(`${name} is whole`, async (t) => {
      const url = await saying(text, (socket) => socket.end())(t);
      const recorder = dispatch(t, url, { method });
      await over(recorder);
      assert.equal(recorder.told.at(-1), 'end', String(recorder.error));
      assert.equal(recorder.body, body);
      assert.equal(recorder.told[1]?.includes('content-length'), text.includes('content-length'));
    });
  }

  test('waits while it is paused, for longer than its parts may take', async (t) => {
    const size = 8 * 1024 * 1024;
    const upstream = await startUpstream(t, (_request, response) => response.end(Buffer.alloc(size)));
    const react = (event: string, controller: Dispatcher.DispatchController): void => {
      if (event === 'data') controller.pause();
    };
    const recorder = dispatch(t, upstream.url, { react, limits: { idleMs: 300 } });
    await until('a part has come', () => recorder.body.length > 0);
    const before = recorder.body.length;
    await new Promise((resolve) => setTimeout(resolve, 900));
    assert.equal(recorder.body.length, before);
    assert.equal(recorder.controller?.paused, true);
    const timer = setInterval(() => recorder.controller?.resume(), 1);
    await over(recorder);
    clearInterval(timer);
    assert.equal(recorder.body.length, size, String(recorder.error));
  });

  test('that is interim is told of before the one that is final', async (t) => {
    const hints =
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nlink: </b>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n';
    const url = await saying(`${hints}HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n`)(t);
    const recorder = dispatch(t, url);
    await over(recorder);
    assert.deepEqual(recorder.told, [
      'start',
      'head 103 Early Hints {"link":["</a>","</b>"]}',
      'head 102 Processing',
      'head 200 OK {"content-length":"0"}',
      'end',
    ]);
  });

  test('over TLS comes from whom the certificate names', async (t) => {
    const server = createHttpsServer({ cert: testCertificate, key: testKey }, (_request, response) =>
      response.end('ok'),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const trusted = dispatch(t, url, { limits: { tls: { ca: testCertificate, servername: 'models.test' } } });
    await over(trusted);
    assert.equal(trusted.body, 'ok', String(trusted.error));
    for (const tls of [{}, { ca: testCertificate, servername: 'other.test' }]) {
      const untrusted = dispatch(t, url, { limits: { tls } });
      await over(untrusted);
      assert.deepEqual([untrusted.told, untrusted.code], [['error'], 'upstream_unreachable']);
    }
  });
});

const length = 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345';
const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n';
interface Failure {
  readonly upstream: (t: TestContext, seen: () => boolean) => Promise<string>;
  readonly code: ProxyErrorCode;
  /** What comes of the response before it. */
  readonly part?: string;
}

const failures: Record<string, Failure> = {
  'nothing listens': { upstream: closedUrl, code: 'upstream_unreachable' },
  'the name does not resolve': { upstream: () => Promise.resolve('http://no..name'), code: 'upstream_unreachable' },
  'no connection is accepted': { upstream: startStuckUpstream, code: 'upstream_connect_timeout' },
  'no head comes': { upstream: saying(''), code: 'upstream_response_timeout' },
  'the head stops in its middle': { upstream: saying('HTTP/1.1 200 OK\r\nx-a: '), code: 'upstream_response_timeout' },
  'it closes before the head': { upstream: saying('', (socket) => socket.end()), code: 'upstream_closed' },
  'it closes within the head': {
    upstream: saying('HTTP/1.1 200 OK\r\nx-a: ', (socket) => socket.end()),
    code: 'upstream_closed',
  },
  'it resets before the head': {
    upstream: saying('', (socket) => socket.resetAndDestroy()),
    code: 'upstream_closed',
  },
  'it closes after an interim response': {
    upstream: saying('HTTP/1.1 103 Early Hints\r\n\r\n', (socket) => socket.end()),
    code: 'upstream_closed',
  },
  'it speaks no HTTP': { upstream: saying('hello\r\n\r\n'), code: 'upstream_malformed_response' },
  'it says two lengths': {
    upstream: saying('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok'),
    code: 'upstream_malformed_response',
  },
  'it frames its response in two ways': {
    upstream: saying('HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'),
    code: 'upstream_malformed_response',
  },
  'its head is too large': {
    upstream: saying(`HTTP/1.1 200 OK\r\nx-a: ${'a'.repeat(64 * 1024)}\r\ncontent-length: 2\r\n\r\nok`),
    code: 'upstream_malformed_response',
  },
  'it upgrades unasked': {
    upstream: saying('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'),
    code: 'upstream_malformed_response',
  },
  'it stalls within its response': { upstream: saying(length), code: 'upstream_idle_timeout', part: '12345' },
  'it stalls between two chunks': { upstream: saying(chunked), code: 'upstream_idle_timeout', part: '12345' },
  'it closes within its response': {
    upstream: saying(length, (socket) => socket.end()),
    code: 'upstream_closed',
    part: '12345',
  },
  'it closes between two chunks': {
    upstream: saying(chunked, (socket) => socket.end()),
    code: 'upstream_closed',
    part: '12345',
  },
  'it resets within its response': {
    upstream: saying(length, (socket) => socket.resetAndDestroy()),
    code: 'upstream_closed',
    part: '12345',
  },
  'it resets a response that only an end would end': {
    upstream: saying('HTTP/1.1 200 OK\r\n\r\n12345', (socket) => socket.resetAndDestroy()),
    code: 'upstream_closed',
    part: '12345',
  },
  'it sends a chunk without a length': {
    upstream: saying(chunked, (socket) => socket.write('zz\r\n')),
    code: 'upstream_malformed_response',
    part: '12345',
  },
};
describe('a failure', { concurrency: true }, () => {
  for (const [name, { upstream, code, part = '' }] of Object.entries(failures)) {
    test(`is ${code} when ${name}`, async (t) => {
      const url = await upstream(t, () => recorder.body === part);
      const recorder = dispatch(t, url, { limits: timeoutsFor(code) });
      await over(recorder);
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
      assert.deepEqual([recorder.code, recorder.body], [code, part], String(recorder.error));
      assert.equal(recorder.told.filter((event) => event === 'error' || event.startsWith('end')).length, 1);
      const hasConnected = code !== 'upstream_unreachable' && code !== 'upstream_connect_timeout';
      assert.equal(recorder.told[0], hasConnected ? 'start' : 'error');
    });
  }

  for (const [name, changes] of Object.entries({
    path: { path: '/a b' },
    value: { headers: ['x-a', 'a\nb'] },
    name: { headers: ['x a', 'b'] },
  })) {
    test(`is malformed_request when Node refuses a ${name}, and nothing is sent`, async (t) => {
      const upstream = await startRawUpstream(t, () => {});
      const recorder = dispatch(t, upstream.url, changes);
      await over(recorder);
      assert.equal(recorder.code, 'malformed_request');
      await closed(upstream.sockets);
      assert.equal(upstream.received(), '');
    });
  }

  test('of the handler ends the dispatch, whatever the upstream said', async (t) => {
    const react = (event: string): void => {
      if (event.startsWith('head')) throw new TypeError('cannot read this');
    };
    const recorder = dispatch(t, await saying(length)(t), { react });
    await over(recorder);
    assert.ok(recorder.error instanceof TypeError);
  });
});

describe('an abort', { concurrency: true }, () => {
  const phases: Record<string, { at: string; text: string }> = {
    'when the connection is there': { at: 'start', text: '' },
    'at an interim response': { at: 'head 103', text: 'HTTP/1.1 103 Early Hints\r\n\r\n' },
    'at the head of the response': { at: 'head 200', text: length },
    'at a part of the response': { at: 'data', text: length },
  };
  for (const [name, { at, text }] of Object.entries(phases)) {
    test(`${name} is told at once, and once, and the connection is closed`, async (t) => {
      const upstream = await startRawUpstream(t, (socket) => socket.write(text));
      const reason = new Error('enough');
      const body = new PassThrough().on('error', () => {});
      body.write('part');
      const react = (event: string, controller: Dispatcher.DispatchController): void => {
        if (!event.startsWith(at)) return;
        controller.abort(reason);
        controller.abort(new Error('again'));
      };
      const recorder = dispatch(t, upstream.url, { method: 'POST', body, react });
      await over(recorder);
      await closed(upstream.sockets);
      assert.equal(recorder.error, reason);
      assert.deepEqual([recorder.controller?.aborted, recorder.controller?.reason], [true, reason]);
      assert.equal(recorder.told.filter((event) => event === 'error').length, 1);
      assert.equal(body.destroyed, true);
      if (at === 'start') assert.equal(upstream.received(), '');
    });
  }

  test('while the head is awaited closes the connection', async (t) => {
    const upstream = await startRawUpstream(t, () => {});
    const recorder = dispatch(t, upstream.url);
    await until('the request has come', () => upstream.received().includes('\r\n\r\n'));
    recorder.controller?.abort(new Error('enough'));
    assert.equal(recorder.error?.message, 'enough');
    await closed(upstream.sockets);
  });

  test('after the end changes nothing', async (t) => {
    const recorder = dispatch(t, await saying('HTTP/1.1 204 No Content\r\n\r\n')(t));
    await over(recorder);
    recorder.controller?.abort(new Error('late'));
    assert.deepEqual([recorder.error, recorder.controller?.aborted], [undefined, false]);
  });

  test('of all, by destroying the dispatcher, reaches those that still connect and those that come later', async (t) => {
    const origin = new URL(await startStuckUpstream(t));
    const times = { connectMs: 60_000, responseHeadersMs: 60_000, idleMs: 60_000 };
    const dispatcher = createNodeDispatcher({ origin, headerBytesMax: 16_384, ...times });
    const request = new IncomingMessage(new Socket());
    const asked = { path: '/', method: 'GET', headers: [], body: null, request, expectsContinue: false };
    const [before, after] = [new Recorder(), new Recorder()];
    dispatcher.dispatch(asked, before);
    dispatcher.destroy();
    dispatcher.dispatch(asked, after);
    assert.deepEqual([before.told, after.told], [['error'], ['error']]);
  });
});

test('nothing is left open', async (t) => {
  const { url } = await startUpstream(t, (request, response) => request.pipe(response));
  const resources = (): string[] =>
    process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name.startsWith('TCPSocket'));
  const before = resources().length;
  for (let i = 0; i < 5; i++) {
    await over(dispatch(t, url, { method: 'POST', body: Buffer.from('x') }));
    const recorder = dispatch(t, url, { method: 'POST', body: new PassThrough() });
    await until('it has a connection', () => recorder.controller !== undefined);
    recorder.controller?.abort(new Error('enough'));
  }
  await until('all is closed', () => resources().length <= before);
});
