// A receiver that is there again is reached by the first attempt, whatever was wrong before: what comes after is the retry's to decide.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../support/until.ts';
import { protocols, startSending } from './sending.ts';

for (const protocol of protocols) {
  describe(`${protocol}: the first attempt arrives after`, () => {
    it('an outage with many attempts', async (t) => {
      const { sink, send } = await startSending(t, protocol);
      await sink.goDown();
      // The waits of a library between its own attempts to connect would be long by now.
      for (let i = 0; i < 12; i++) assert.equal((await send()).status, 'retryable');
      await sink.comeUp();
      assert.equal((await send()).status, 'sent');
      assert.equal(sink.exports.length, 1);
    });

    it('a restart in silence', async (t) => {
      const { sink, send } = await startSending(t, protocol);
      for (let i = 0; i < 5; i++) {
        assert.equal((await send()).status, 'sent');
        await sink.goDown();
        await sink.comeUp();
        // As long as it takes to hear of a connection that was reset.
        await until('it is seen', () => sink.connections === 0);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      assert.equal(sink.exports.length, 5);
    });

    it('bytes that were not the protocol, and resets', async (t) => {
      const { sink, send } = await startSending(t, protocol);
      for (const answer of [
        'garbled',
        'no_status',
        'reset_request',
        'garbled',
        'half_close',
        'reset_answer',
      ] as const) {
        sink.next(answer);
        assert.equal((await send()).status, 'retryable', answer);
        assert.equal((await send()).status, 'sent', `after ${answer}`);
      }
      await until('what was broken is closed', () => sink.connections <= 1);
    });

    // grpc-js knows no timeout for a connection; five attempts are given to one.
    it('a frozen one that took connections', async (t) => {
      const { sink, send } = await startSending(t, protocol, { timeoutMs: 60 });
      sink.isFrozen = true;
      for (let i = 0; i < 5; i++) assert.equal((await send()).status, 'retryable');
      sink.isFrozen = false;
      // A slow machine may not manage that in time; it is not to be the fifth that does.
      let status = (await send()).status;
      for (let i = 0; i < 3 && status !== 'sent'; i++) ({ status } = await send());
      assert.equal(status, 'sent');
    });

    it('a connection that went dead', async (t) => {
      const { sink, send } = await startSending(t, protocol, { timeoutMs: 60 });
      sink.behaviour = 'freeze';
      for (let i = 0; i < 5; i++) assert.equal((await send()).status, 'retryable');
      sink.behaviour = 'accept';
      let status = (await send()).status;
      for (let i = 0; i < 3 && status !== 'sent'; i++) ({ status } = await send());
      assert.equal(status, 'sent');
    });
  });
}
