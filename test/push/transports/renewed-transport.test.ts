import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createRenewedTransport } from '../../../src/push/transports/renewed-transport.ts';
import type { SendOutcome, Tls, Transport } from '../../../src/push/transports/transport.ts';

const sent = { status: 'sent', rejectedPoints: 0, message: '' } as const;
const failed = { status: 'retryable', code: 'ECONNRESET', message: 'why' } as const;

/** A transport that says what becomes of its certificates, which are called by their authority. */
function startRenewing() {
  const said: string[] = [];
  const files: { read: (before: Tls) => Promise<Tls> } = { read: (before) => Promise.resolve(before) };
  const answers: (SendOutcome | Promise<SendOutcome>)[] = [];
  const open = (tls: Tls): Transport => {
    const name = String(tls.ca);
    said.push(`${name} opened`);
    return {
      send: () => {
        said.push(`${name} sends`);
        return Promise.resolve(answers.shift() ?? sent);
      },
      close: () => {
        said.push(`${name} closed`);
        return Promise.resolve();
      },
    };
  };
  const transport = createRenewedTransport({ ca: Buffer.from('first') }, open, {
    read: (before) => files.read(before),
    onRead: (problem) => said.push(problem ?? 'renewed'),
  });
  const send = () => transport.send(new Uint8Array(1), new AbortController().signal);
  return { said, files, answers, send, close: () => transport.close() };
}

const second = () => Promise.resolve({ ca: Buffer.from('second') });

/** As if so much time went by. */
function later(t: TestContext, ms: number): void {
  const now = performance.now.bind(performance);
  t.mock.method(performance, 'now', () => now() + ms);
}

describe('new certificates', () => {
  it('are used by the attempt after one that failed', async () => {
    const { said, files, answers, send } = startRenewing();
    files.read = second;
    answers.push(sent, failed);
    for (let i = 0; i < 4; i++) await send();
    assert.deepEqual(said, [
      'first opened',
      'first sends',
      'first sends',
      'second opened',
      'renewed',
      'first closed',
      'second sends',
      'second sends',
    ]);
  });

  it('are used after a minute though nothing failed', async (t) => {
    const { said, files, send } = startRenewing();
    files.read = second;
    later(t, 50_000);
    await send();
    assert.deepEqual(said, ['first opened', 'first sends']);
    later(t, 15_000);
    await send();
    assert.equal(said.at(-1), 'second sends');
  });

  it('are not looked for more often', async () => {
    const { files, answers, send } = startRenewing();
    let looks = 0;
    files.read = (before) => {
      looks++;
      return Promise.resolve(before);
    };
    answers.push(failed);
    for (let i = 0; i < 5; i++) await send();
    assert.equal(looks, 1);
  });

  it('do not end what is under way with those before', async () => {
    const { said, files, answers, send, close } = startRenewing();
    const slow = Promise.withResolvers<SendOutcome>();
    answers.push(slow.promise, failed);
    const waiting = send();
    await send();
    files.read = second;
    await send();
    assert.deepEqual(said.splice(0).slice(-3), ['second opened', 'renewed', 'second sends']);
    slow.resolve(sent);
    assert.equal(await waiting, sent);
    assert.deepEqual(said.splice(0), ['first closed']);
    await close();
    assert.deepEqual(said, ['second closed']);
  });

  it('that cannot be used are named once, and those before go on', async () => {
    const { said, files, answers, send } = startRenewing();
    answers.push(failed, failed, failed, sent);
    files.read = () => Promise.reject(new Error('half of it is missing'));
    for (let i = 0; i < 3; i++) await send();
    files.read = () => Promise.reject(new Error('it is gone'));
    await send();
    assert.deepEqual(
      said.filter((each) => each !== 'first sends'),
      ['first opened', 'half of it is missing', 'it is gone'],
    );
  });

  it('on a file server that does not answer are not waited for', async (t) => {
    const { files, answers, send, close } = startRenewing();
    t.mock.timers.enable({ apis: ['setTimeout'] });
    answers.push(failed);
    await send();
    files.read = () => new Promise(() => {});
    const waiting = send();
    t.mock.timers.tick(1_000);
    assert.equal(await waiting, sent);
    await close();
  });

  it('that come when all is over open nothing', async () => {
    const { said, files, answers, send, close } = startRenewing();
    const { promise, resolve } = Promise.withResolvers<Tls>();
    files.read = () => promise;
    answers.push(failed);
    await send();
    const waiting = send();
    await close();
    resolve(await second());
    await waiting;
    assert.ok(!said.includes('second opened'));
  });
});
