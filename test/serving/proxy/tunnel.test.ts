import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { connect as tlsConnect, createServer as createTlsServer } from 'node:tls';
import { tunnel, type Tunnel, type TunnelEnd, type TunnelOptions } from '../../../src/serving/proxy/tunnel.ts';
import { until } from '../../support/until.ts';
import { testCertificate, testKey } from './test-certificate.ts';

interface Pair {
  /** Outside the tunnel. */
  readonly far: Socket;
  /** In the tunnel. */
  readonly near: Socket;
}

async function connectPair(t: TestContext, secure = false): Promise<Pair> {
  const server = secure ? createTlsServer({ cert: testCertificate, key: testKey }) : createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, secure ? 'secureConnection' : 'connection');
  const options = { port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true };
  const far = secure ? tlsConnect({ ...options, ca: testCertificate }) : connect(options);
  far.on('error', () => {});
  const [near] = (await accepted) as [Socket];
  server.close();
  t.after(() => {
    far.destroy();
    near.destroy();
  });
  return { far, near };
}

interface Joined {
  readonly downstream: Socket;
  readonly upstream: Socket;
  readonly near: { readonly downstream: Socket; readonly upstream: Socket };
  readonly bytes: { downstream: number; upstream: number };
  readonly ends: TunnelEnd[];
  readonly tunnel: Tunnel;
  /** Before there was a tunnel. */
  readonly listeners: number;
}

async function join(t: TestContext, changes: Partial<TunnelOptions> = {}, secure = false): Promise<Joined> {
  const [down, up] = [await connectPair(t), await connectPair(t, secure)];
  // As Node's HTTP server leaves it.
  down.near.setTimeout(100, () => down.near.destroy());
  const listeners = countListeners([down.near, up.near]);
  const bytes = { downstream: 0, upstream: 0 };
  const ends: TunnelEnd[] = [];
  const joined = tunnel({
    ...{ downstream: down.near, downstreamHead: Buffer.alloc(0), upstream: up.near, upstreamHead: Buffer.alloc(0) },
    onBytes: (from, count) => (bytes[from] += count),
    onEnd: (end) => ends.push(end),
    ...changes,
  });
  const near = { downstream: down.near, upstream: up.near };
  return { downstream: down.far, upstream: up.far, near, bytes, ends, tunnel: joined, listeners };
}

function countListeners(sockets: readonly Socket[]): number {
  const events = ['data', 'drain', 'end', 'finish', 'close'];
  return sockets.flatMap((socket) => events.map((event) => socket.listenerCount(event))).reduce((a, b) => a + b, 0);
}

/** Ended in this way, once, with both connections gone and nobody listening to them. */
async function assertEnded({ ends, near, listeners }: Joined, end: TunnelEnd): Promise<void> {
  await until('the tunnel has ended', () => ends.length > 0);
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  assert.deepEqual(ends, [end]);
  assert.deepEqual([near.downstream.destroyed, near.upstream.destroyed], [true, true]);
  // Node takes off some of its own.
  assert.ok(countListeners([near.downstream, near.upstream]) <= listeners);
}

/** All that comes until the other half is closed; leaves our half open. */
async function textOf(socket: Socket): Promise<string> {
  let got = '';
  socket.on('data', (chunk: Buffer) => (got += String(chunk)));
  await once(socket, 'end');
  return got;
}

const said = async (socket: Socket, wanted: string): Promise<void> => {
  let got = '';
  const onData = (chunk: Buffer): void => void (got += String(chunk));
  socket.on('data', onData);
  await until(`"${wanted}" comes`, () => got.includes(wanted));
  socket.off('data', onData);
};

describe('a tunnel', { concurrency: true }, () => {
  for (const secure of [false, true]) {
    test(`passes bytes both ways, heads first, and counts them${secure ? ', over TLS' : ''}`, async (t) => {
      const heads = { downstreamHead: Buffer.from('down '), upstreamHead: Buffer.from('up ') };
      const joined = await join(t, heads, secure);
      joined.downstream.write('ping');
      joined.upstream.write('pong');
      await Promise.all([said(joined.upstream, 'down ping'), said(joined.downstream, 'up pong')]);
      assert.deepEqual(joined.bytes, { downstream: 9, upstream: 7 });
      joined.upstream.end();
      joined.downstream.end();
      joined.upstream.resume();
      joined.downstream.resume();
      await assertEnded(joined, 'ended');
    });
  }

  for (const side of ['downstream', 'upstream'] as const) {
    const other = side === 'downstream' ? 'upstream' : 'downstream';

    test(`makes the ${side} wait for a ${other} that does not read`, async (t) => {
      const joined = await join(t);
      joined[other].pause();
      const part = Buffer.alloc(64 * 1024);
      let written = 0;
      const write = (): void => {
        while (written < 64 * 1024 * 1024 && joined[side].write(part)) written += part.length;
      };
      joined[side].on('drain', write);
      write();
      let before = -1;
      await until('nothing more passes', async () => {
        const stuck = before === joined.bytes[side];
        before = joined.bytes[side];
        await new Promise((resolve) => setTimeout(resolve, 100));
        return stuck;
      });
      assert.ok(before < 32 * 1024 * 1024, `${before} bytes`);
      joined[other].resume();
      await until('it passes again', () => joined.bytes[side] > before);
      joined.tunnel.destroy();
    });

    test(`passes on that the ${side} has closed its half, and goes on the other way`, async (t) => {
      const joined = await join(t);
      const question = textOf(joined[other]);
      joined[side].end('question');
      assert.equal(await question, 'question');
      joined[other].write('answer');
      await said(joined[side], 'answer');
      assert.deepEqual(joined.ends, []);
      joined[other].end(' and more');
      assert.equal(await textOf(joined[side]), ' and more');
      await assertEnded(joined, 'ended');
    });

    test(`that the ${side} resets is ${side}_closed, and a reset for the other`, async (t) => {
      const joined = await join(t);
      joined[side].write('x');
      await said(joined[other], 'x');
      const closed = new Promise<string>((resolve) => {
        joined[other].on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
        joined[other].resume().on('end', () => resolve('end'));
      });
      joined[side].resetAndDestroy();
      assert.equal(await closed, 'ECONNRESET');
      await assertEnded(joined, `${side}_closed`);
    });

    test(`whose ${side} has broken before it began is ${side}_closed`, async (t) => {
      const [down, up] = [await connectPair(t), await connectPair(t)];
      const near = { downstream: down.near, upstream: up.near };
      near[side].destroy();
      await once(near[side], 'close');
      const ends: TunnelEnd[] = [];
      const head = Buffer.from('head');
      tunnel({ ...near, downstreamHead: head, upstreamHead: head, onEnd: (end) => ends.push(end) });
      await until('the tunnel has ended', () => ends.length > 0);
      assert.deepEqual(ends, [`${side}_closed`]);
      assert.ok(near[other].destroyed);
    });
  }

  test('that only the upstream closes has ended, after a while', async (t) => {
    const joined = await join(t, { halfClosedMs: 100 });
    joined.upstream.end('bye');
    assert.equal(await textOf(joined.downstream), 'bye');
    await assertEnded(joined, 'ended');
  });

  test('whose upstream breaks after it has closed its half, with all that it said passed on, has ended', async (t) => {
    const joined = await join(t);
    joined.upstream.end('bye');
    assert.equal(await textOf(joined.downstream), 'bye');
    joined.upstream.resetAndDestroy();
    // Only who writes hears of it.
    const timer = setInterval(() => joined.downstream.write('more'), 10);
    t.after(() => clearInterval(timer));
    await assertEnded(joined, 'ended');
  });

  test('that only the downstream closes is downstream_closed, after a while in which nothing comes', async (t) => {
    const joined = await join(t, { halfClosedMs: 800 });
    joined.downstream.end();
    for (let i = 0; i < 10; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      joined.upstream.write('more');
    }
    assert.deepEqual(joined.ends, []);
    await assertEnded(joined, 'downstream_closed');
  });

  test('that the upstream closes has not ended before a slow downstream has read all', async (t) => {
    const joined = await join(t);
    const size = 16 * 1024 * 1024;
    joined.upstream.end(Buffer.alloc(size));
    joined.upstream.resume();
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.deepEqual(joined.ends, []);
    joined.downstream.end();
    let read = 0;
    for await (const chunk of joined.downstream) read += (chunk as Buffer).length;
    assert.equal(read, size);
    await assertEnded(joined, 'ended');
  });

  test('whose downstream breaks with a part of what the upstream said unread is downstream_closed', async (t) => {
    const joined = await join(t);
    joined.upstream.end(Buffer.alloc(16 * 1024 * 1024));
    joined.upstream.resume();
    await new Promise((resolve) => setTimeout(resolve, 100));
    joined.downstream.resetAndDestroy();
    await assertEnded(joined, 'downstream_closed');
  });

  test('may be silent', async (t) => {
    const joined = await join(t, { halfClosedMs: 50 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.deepEqual(joined.ends, []);
    joined.tunnel.destroy();
    await assertEnded(joined, 'downstream_closed');
  });

  test('that is destroyed ends once, as if the downstream had broken', async (t) => {
    const joined = await join(t);
    joined.tunnel.destroy();
    joined.tunnel.destroy();
    await assertEnded(joined, 'downstream_closed');
    await until('both are told', () => joined.downstream.closed && joined.upstream.closed);
  });
});
