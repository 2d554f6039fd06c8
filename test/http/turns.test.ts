import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { textAnswer, type Answer } from '../../src/http/routes.ts';
import { deadlineIn } from '../../src/std/deadline.ts';
import { until } from '../support/until.ts';
import { ask, askOn, open, say } from './raw.ts';
import { start } from './running-listener.ts';

/** A route that waits, and says how often it was asked. */
function gated() {
  const gate = Promise.withResolvers<Answer>();
  const state = { asked: 0 };
  const route = { path: '/gated', handle: () => (state.asked++, gate.promise) };
  return { route, state, open: () => gate.resolve(textAnswer(200, 'gated')) };
}

describe('requests that are sent on one connection without waiting for answers', () => {
  it('are answered one at a time, in their order', async (t) => {
    const order: string[] = [];
    const handle = (name: string) => async (): Promise<Answer> => {
      order.push(`${name} begins`);
      await new Promise(setImmediate);
      order.push(`${name} ends`);
      return textAnswer(200, name);
    };
    const { listener } = await start(t, [
      { path: '/a', handle: handle('a') },
      { path: '/b', handle: handle('b') },
    ]);
    const received = await say(listener.url, askOn('GET', '/a') + askOn('GET', '/b') + ask('GET', '/a'));
    assert.deepEqual(order, ['a begins', 'a ends', 'b begins', 'b ends', 'a begins', 'a ends']);
    assert.deepEqual(received.match(/^[ab]$/gm), ['a', 'b', 'a']);
  });

  it('do not keep those of other connections waiting', async (t) => {
    const { route, state, open: openGate } = gated();
    const { listener } = await start(t, [route, { path: '/text', handle: () => textAnswer(200, 'words') }]);
    const socket = open(listener.url, askOn('GET', '/gated').repeat(5));
    await until('it is asked for', () => state.asked === 1);
    assert.equal(await (await fetch(`${listener.url}/text`)).text(), 'words\n');
    assert.equal(state.asked, 1);
    openGate();
    await until('the others are asked for', () => state.asked === 5);
    socket.destroy();
  });

  it('wait, as many as thirty-two behind the one that is answered; one more costs the connection', async (t) => {
    const { route, state, open: openGate } = gated();
    const { listener } = await start(t, [route]);
    const few = say(listener.url, askOn('GET', '/gated').repeat(32) + ask('GET', '/gated'));
    await until('it is asked for', () => state.asked === 1);
    const many = open(listener.url, askOn('GET', '/gated')).resume();
    await until('that of another connection is asked for', () => state.asked === 2);
    many.write(askOn('GET', '/gated').repeat(33));
    await once(many, 'close');
    assert.deepEqual([many.bytesRead, state.asked], [0, 2]);
    openGate();
    assert.equal((await few).match(/^gated$/gm)?.length, 33);
    assert.equal(state.asked, 34, 'nothing of the connection that was closed');
  });

  it('may be more than thirty-two, one after the other', async (t) => {
    const { route, open: openGate } = gated();
    openGate();
    const { listener } = await start(t, [route]);
    const socket = open(listener.url, '');
    let received = '';
    socket.setEncoding('utf8').on('data', (part: string) => (received += part));
    socket.resume();
    for (let round = 1; round <= 5; round++) {
      socket.write(askOn('GET', '/gated').repeat(20));
      await until('all are answered', () => received.match(/^gated$/gm)?.length === round * 20);
    }
    socket.destroy();
  });

  it('have their turn behind answers of every kind', async (t) => {
    const fails = (): Promise<Answer> => Promise.reject(new Error('no'));
    const { listener } = await start(t, [
      { path: '/text', handle: () => textAnswer(200, 'words') },
      { path: '/throws', handle: fails },
    ]);
    const asked = [askOn('GET', '/throws'), askOn('GET', '/other'), askOn('PUT', '/text'), askOn('HEAD', '/text')];
    const received = await say(listener.url, asked.join('') + ask('GET', '/text'));
    assert.deepEqual(received.match(/(?<=HTTP\/1\.1 )\d+/g), ['500', '404', '405', '200', '200']);
    assert.match(received, /\nwords\n$/);
  });

  it('with a malformed path have their turn, too, and what is no request at all is no answer to another', async (t) => {
    const { route, state, open: openGate } = gated();
    const { listener } = await start(t, [route]);
    const received = say(listener.url, askOn('GET', '/gated') + ask('GET', '/%zz'));
    await until('it is asked for', () => state.asked === 1);
    assert.doesNotMatch(await say(listener.url, `${askOn('GET', '/gated')}garbage\r\n\r\n`), /HTTP/);
    openGate();
    assert.deepEqual((await received).match(/(?<=HTTP\/1\.1 )\d+/g), ['200', '400']);
  });

  it('are answered all at a shutdown', async (t) => {
    const [first, second] = [gated(), gated()];
    const { listener } = await start(t, [first.route, { ...second.route, path: '/second' }]);
    const received = say(listener.url, askOn('GET', '/gated') + askOn('GET', '/second'));
    await until('the first is asked for', () => first.state.asked === 1);
    const stopped = listener.shutdown(deadlineIn(60_000));
    // Longer than a connection without a request is let be.
    await sleep(700);
    first.open();
    await until('the second is asked for', () => second.state.asked === 1);
    // Longer than it takes to look for such connections again.
    await sleep(100);
    second.open();
    assert.equal((await received).match(/^gated$/gm)?.length, 2);
    await stopped;
  });
});
