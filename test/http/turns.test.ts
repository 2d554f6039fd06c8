import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
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

  it('cost their connection when they are too many', async (t) => {
    const { route, state } = gated();
    const { listener } = await start(t, [route]);
    const few = open(listener.url, askOn('GET', '/gated').repeat(33));
    await until('it is asked for', () => state.asked === 1);
    const many = open(listener.url, askOn('GET', '/gated').repeat(34));
    many.resume();
    many.on('error', () => {});
    await once(many, 'close');
    assert.equal(few.destroyed, false);
    few.destroy();
  });

  it('are answered all at a shutdown', async (t) => {
    const { route, state, open: openGate } = gated();
    const { listener } = await start(t, [route, { path: '/text', handle: () => textAnswer(200, 'words') }]);
    const received = say(listener.url, askOn('GET', '/gated') + ask('GET', '/text'));
    await until('it is asked for', () => state.asked === 1);
    const stopped = listener.shutdown(deadlineIn(5_000));
    // Longer than a connection without a request is let be.
    await new Promise((resolve) => setTimeout(resolve, 700));
    openGate();
    assert.match(await received, /\ngated\n[^]*\nwords\n/);
    await stopped;
  });
});
