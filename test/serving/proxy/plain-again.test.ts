import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  createServer,
  ServerResponse,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable, type Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, test, type TestContext } from 'node:test';
import { tellResponses } from '../../../src/serving/proxy/let-go.ts';
import { readAgain, stopBehindUpgradeHeads } from '../../../src/serving/proxy/plain-again.ts';
import { until } from '../../support/until.ts';
import { connectTo, type RawConnection } from './downstream.ts';

interface Running {
  readonly server: Server;
  readonly url: string;
  /** Requests as they were read, with their bodies. */
  readonly seen: string[];
  readonly requests: IncomingMessage[];
  /** What `readAgain` returned. */
  readonly results: boolean[];
  readonly upgrades: string[];
}

/** A server that ignores all upgrades but those to WebSockets, and answers with what it read. */
async function start(t: TestContext, answer?: RequestListener, options: ServerOptions = {}): Promise<Running> {
  const server = createServer(options);
  stopBehindUpgradeHeads(server);
  const [seen, requests, results, upgrades] = [[], [], [], []] as [string[], IncomingMessage[], boolean[], string[]];
  const last = new WeakMap<Duplex, ServerResponse>();
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    last.set(request.socket, response);
    const index = requests.push(request) - 1;
    void text(request).then(
      (body) => {
        seen[index] = `${request.method} ${request.url} ${body}`;
        if (answer) answer(request, response);
        else response.end(`<${request.url} ${body}>`);
      },
      () => {},
    );
  };
  server.on('request', onRequest);
  server.on('upgrade', (request, socket, head) => {
    upgrades.push(String(request.headers.upgrade));
    if (request.headers.upgrade === 'websocket') {
      socket.on('error', () => {}).end(`HTTP/1.1 101 Switching Protocols\r\n\r\n<${head.toString('latin1')}>`);
    } else {
      results.push(readAgain({ server, request, socket, head, previous: last.get(socket) }));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { server, url, seen, requests, results, upgrades };
}

const asking = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';
const get = (path: string, fields = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const post = (path: string, body: string, fields = ''): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
const chunks = (path: string, body: string, fields = ''): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\n${fields}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\nX-T: t\r\n\r\n`;

async function write(downstream: RawConnection, whole: string, partLength: number): Promise<void> {
  downstream.socket.setNoDelay();
  for (let at = 0; at < whole.length; at += partLength) {
    downstream.write(Buffer.from(whole.slice(at, at + partLength), 'latin1'));
    await new Promise(setImmediate);
  }
}

const sequences: Record<string, { sent: string; seen: string[] }> = {
  'without a body': { sent: get('/1', asking), seen: ['GET /1 '] },
  'with a body of a known length': { sent: post('/1', 'one', asking), seen: ['POST /1 one'] },
  'with an empty body': { sent: post('/1', '', asking), seen: ['POST /1 '] },
  'with a chunked body': { sent: chunks('/1', 'one', asking), seen: ['POST /1 one'] },
  'with another behind it': { sent: get('/1', asking) + get('/2'), seen: ['GET /1 ', 'GET /2 '] },
  'behind another': { sent: get('/1') + post('/2', 'two', asking), seen: ['GET /1 ', 'POST /2 two'] },
  'with a body and another behind it': {
    sent: post('/1', 'one', asking) + post('/2', 'two'),
    seen: ['POST /1 one', 'POST /2 two'],
  },
  'with a chunked body and another behind it': {
    sent: chunks('/1', 'one', asking) + chunks('/2', 'two'),
    seen: ['POST /1 one', 'POST /2 two'],
  },
  'several times': {
    sent: get('/1', asking) + post('/2', 'two', asking) + chunks('/3', 'three', asking) + get('/4', asking) + get('/5'),
    seen: ['GET /1 ', 'POST /2 two', 'POST /3 three', 'GET /4 ', 'GET /5 '],
  },
  'with a body that looks like a request': {
    sent: post('/1', get('/hidden', asking), asking) + get('/2'),
    seen: [`POST /1 ${get('/hidden', asking)}`, 'GET /2 '],
  },
};
describe('a request whose upgrade is ignored', { concurrency: true }, () => {
  for (const [name, { sent, seen }] of Object.entries(sequences)) {
    for (const partLength of [10_000, 7, 1]) {
      test(`${name}, in parts of ${partLength}, is answered as an ordinary one, in its turn`, async (t) => {
        const running = await start(t);
        const downstream = await connectTo(t, running.url);
        await write(downstream, sent, partLength);
        await until('all is answered', () => downstream.received().split('HTTP/1.1 200').length > seen.length);
        assert.deepEqual(running.seen, seen);
        const answers = downstream.received().match(/<[^>]*>/g);
        assert.deepEqual(
          answers,
          seen.map((request) => `<${request.replace(/^\S+ /, '')}>`),
        );
        downstream.write(get('/after'));
        await downstream.see('</after >');
        assert.ok(running.results.every((result) => result));
      });
    }
  }

  test('has the head it was sent with, byte for byte, less what asks for the upgrade', async (t) => {
    const running = await start(t);
    const downstream = await connectTo(t, running.url);
    const fields = `X-Latin: caf\xe9 \x80\xff\r\nCONNECTION: close , upgrade,X-Own\r\nx-a: 1\r\nX-A:\r\nX-Own: o\r\n${asking}`;
    await write(downstream, get('/a%20b?c=//', fields), 10_000);
    await downstream.closed;
    const [request] = running.requests;
    assert.equal(request?.url, '/a%20b?c=//');
    assert.deepEqual(request.rawHeaders, [
      ...[
        'Host',
        'a',
        'X-Latin',
        'caf\xe9 \x80\xff',
        'CONNECTION',
        'close ,X-Own',
        'x-a',
        '1',
        'X-A',
        '',
        'X-Own',
        'o',
      ],
    ]);
  });

  test('of HTTP/1.0 stays one of HTTP/1.0', async (t) => {
    const running = await start(t);
    const downstream = await connectTo(t, running.url);
    downstream.write(get('/1', asking).replace('HTTP/1.1', 'HTTP/1.0'));
    assert.equal(await downstream.closed, 'end');
    assert.equal(running.requests[0]?.httpVersion, '1.0');
  });

  test('comes again and again on one connection, which hears of it at no cost', async (t) => {
    const running = await start(t);
    const sockets = new Set<Duplex>();
    running.server.on('connection', (socket: Duplex) => sockets.add(socket));
    const warnings: Error[] = [];
    const onWarning = (warning: Error): number => warnings.push(warning);
    process.on('warning', onWarning);
    t.after(() => process.off('warning', onWarning));
    const downstream = await connectTo(t, running.url);
    let listeners: number | undefined;
    for (let i = 0; i < 30; i++) {
      downstream.write(post(`/${i}`, 'x', asking));
      await downstream.see(`</${i} x>`);
      const [socket] = sockets as unknown as Iterable<Duplex>;
      const count = (socket?.eventNames() ?? []).reduce((sum, name) => sum + (socket?.listenerCount(name) ?? 0), 0);
      listeners ??= count;
      assert.equal(count, listeners);
    }
    assert.equal(sockets.size, 1);
    const connections = await new Promise((resolve) =>
      running.server.getConnections((_error, count) => resolve(count)),
    );
    assert.equal(connections, 1);
    assert.deepEqual(warnings, []);
    // The connection is known as idle.
    running.server.closeIdleConnections();
    await downstream.closed;
  });

  test('waits for the answer before it, which may be slow to be read', async (t) => {
    const size = 8 * 1024 * 1024;
    const running = await start(t, (request, response) => {
      if (request.url !== '/large') return response.end(`<${request.url}>`);
      response.writeHead(200, { 'content-length': size });
      let left = size;
      const send = (): void => {
        while (left > 0) {
          left -= 64 * 1024;
          if (!response.write(Buffer.alloc(64 * 1024, 'x'))) return void response.once('drain', send);
        }
        response.end();
      };
      return setTimeout(send, 50);
    });
    const downstream = await connectTo(t, running.url);
    downstream.write(get('/large') + get('/1', asking) + get('/2', asking) + get('/3'));
    await downstream.see('</3>');
    assert.deepEqual(running.seen, ['GET /large ', 'GET /1 ', 'GET /2 ', 'GET /3 ']);
    assert.match(downstream.received().slice(-1_000), /<\/1>.*<\/2>.*<\/3>$/s);
  });

  test('waits for longer than the head of a request may take', async (t) => {
    const answer: RequestListener = (request, response) => {
      setTimeout(() => response.end(`<${request.url}>`), request.url === '/slow' ? 2_500 : 0);
    };
    const running = await start(t, answer, { headersTimeout: 1_000, connectionsCheckingInterval: 100 });
    const downstream = await connectTo(t, running.url);
    downstream.write(get('/slow') + get('/2', asking) + get('/3'));
    await downstream.see('</3>');
    assert.match(downstream.received(), /<\/slow>.*<\/2>.*<\/3>/s);
  });

  test('is not ended by the wait for the next request, which began before it', async (t) => {
    const running = await start(t, (request, response) => {
      setTimeout(() => response.end(`<${request.url}>`), request.url === '/slow' ? 2_500 : 50);
    });
    running.server.keepAliveTimeout = 200;
    const downstream = await connectTo(t, running.url);
    downstream.write(get('/1') + get('/slow', asking));
    await downstream.see('</slow>');
    await downstream.closed;
  });

  test('whose downstream leaves while it waits is not read', async (t) => {
    const running = await start(t, (_request, response) => setTimeout(() => response.destroy(), 50));
    const downstream = await connectTo(t, running.url);
    downstream.write(get('/1') + get('/2', asking));
    await downstream.closed;
    assert.deepEqual(running.seen, ['GET /1 ']);
  });

  for (const how of ['end', 'resetAndDestroy'] as const) {
    test(`whose downstream goes with its body half sent (${how}) is aborted`, async (t) => {
      const running = await start(t);
      const downstream = await connectTo(t, running.url);
      downstream.write(post('/1', 'one', asking).slice(0, -1));
      await until('the request is read', () => running.requests.length === 1);
      const [request = assert.fail()] = running.requests;
      const aborted = once(request, 'aborted');
      downstream.socket[how]();
      await aborted;
      assert.deepEqual(running.seen, []);
    });
  }

  test('with more headers than Node keeps is not guessed at', async (t) => {
    const running = await start(t);
    for (const body of ['', get('/hidden')]) {
      const downstream = await connectTo(t, running.url);
      downstream.write(post('/1', body, `${asking}${'a:\r\n'.repeat(1_000)}`));
      await downstream.closed;
      // Later versions of Node refuse it themselves.
      assert.match(downstream.received(), /^(?:HTTP\/1.1 431 .*)?$/s);
    }
    assert.deepEqual(running.seen, []);
    assert.ok(!running.results.includes(true));
  });

  test('leaves upgrades that are not ignored as they are, with what came behind them', async (t) => {
    const running = await start(t);
    const downstream = await connectTo(t, running.url);
    const wanted = get('/2', 'Connection: upgrade\r\nUpgrade: websocket\r\n');
    downstream.write(post('/1', 'one', asking));
    await downstream.see('</1 one>');
    downstream.write(`${wanted}behind`);
    await downstream.see('<behind>');
    assert.deepEqual(running.upgrades, ['h2c', 'websocket']);
  });
});

test('a response on a connection that Node has let go of hears that it can be written to again', async (t) => {
  const server = createServer();
  const size = 8 * 1024 * 1024;
  server.on('upgrade', (request) => {
    const { socket } = request;
    const response = new ServerResponse(request);
    const stop = tellResponses(socket);
    response.on('finish', () => {
      stop();
      socket.end();
    });
    response.assignSocket(socket);
    response.writeHead(403, { 'content-length': size });
    Readable.from([Buffer.alloc(size / 2), Buffer.alloc(size / 2)]).pipe(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const downstream = await connectTo(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  downstream.write(get('/', asking));
  await downstream.closed;
  assert.ok(downstream.received().length > size);
});

test('an upgrade with a body is handed over with its body unread', async (t) => {
  const running = await start(t);
  const downstream = await connectTo(t, running.url);
  downstream.write(post('/1', 'body', 'Connection: upgrade\r\nUpgrade: websocket\r\n'));
  await downstream.see('<body>');
});
