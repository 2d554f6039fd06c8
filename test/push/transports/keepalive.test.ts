// A connection whose other end is gone without a word, on timers that the test moves: in life that takes 40 s.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { SendOutcome } from '../../../src/push/transports/transport.ts';
import { startSending, type Sending } from './sending.ts';

const MINUTE_MS = 60_000;

interface Line {
  readonly port: number;
  readonly connectionsMade: () => number;
  /** Those that there are carry nothing any more, and nobody is told. */
  goSilent(): void;
}

async function startLine(t: TestContext, receiverPort: () => number): Promise<Line> {
  const ends: (readonly [Socket, Socket])[] = [];
  const server = createServer((near) => {
    const far = connect(receiverPort(), '127.0.0.1');
    near.pipe(far).pipe(near);
    near.on('error', () => {}).on('close', () => far.destroy());
    far.on('error', () => {}).on('close', () => near.destroy());
    ends.push([near, far]);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const end of ends.flat()) end.destroy();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    connectionsMade: () => ends.length,
    goSilent: () => {
      for (const end of ends.flat()) end.unpipe().pause();
    },
  };
}

/** One call that nobody answers, and has 60 s. */
async function startWaiting(t: TestContext): Promise<Sending & { line: Line; ended: () => unknown }> {
  const line = await startLine(t, () => sending.sink.port);
  const endpoint = `http://127.0.0.1:${line.port}`;
  const sending = await startSending(t, 'grpc', { timeoutMs: MINUTE_MS, endpoint });
  t.mock.timers.enable({ apis: ['setTimeout'] });
  assert.equal((await sending.send()).status, 'sent');
  sending.sink.next('hang');
  let outcome: SendOutcome | undefined;
  void sending.send().then((ended) => (outcome = ended));
  await sending.sink.received(2);
  return { ...sending, line, ended: () => outcome };
}

/** As many as it takes for what is sent to arrive, and to be answered: on sockets, which have no timers. */
async function turns(): Promise<void> {
  for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('grpc, when nothing is heard of a connection', () => {
  it('finds out that it is dead before the call is over, and connects anew', async (t) => {
    const { line, send, ended } = await startWaiting(t);
    line.goSilent();
    // It asks whether there is anybody.
    t.mock.timers.tick(30_000);
    await turns();
    assert.equal(ended(), undefined);
    // Nobody says so.
    t.mock.timers.tick(10_000);
    await turns();
    assert.partialDeepStrictEqual(ended(), { status: 'retryable', code: 'UNAVAILABLE' });
    assert.equal((await send()).status, 'sent');
    assert.equal(line.connectionsMade(), 2);
  });

  it('waits for one that is slow but there', async (t) => {
    const { line, ended } = await startWaiting(t);
    for (let i = 0; i < 5; i++) {
      t.mock.timers.tick(10_000);
      await turns();
    }
    assert.equal(ended(), undefined);
    t.mock.timers.tick(10_000);
    await turns();
    assert.partialDeepStrictEqual(ended(), { status: 'retryable', code: 'DEADLINE_EXCEEDED' });
    assert.equal(line.connectionsMade(), 1);
  });
});
