// The real MLServer behind the gateway: the ledger of a load, the gateway and MLServer's own metrics say the same, and by its answers
// nobody can tell whether the gateway is there.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startGateway, type RunningGateway } from '../support/gateway.ts';
import { skipWithout } from '../support/interop.ts';
import { expectedAtGateway, gatewayCounts } from './model-servers/counts.ts';
import { sendLoad, surprises, type Entry } from './model-servers/ledger.ts';
import { answers, workerlessAnswers } from './model-servers/mlserver-answers.ts';
import {
  exceptions,
  expectedAtMlserver,
  kinds,
  letters,
  mlserverCounts,
  workerlessKinds,
  type MlserverKind,
} from './model-servers/mlserver-load.ts';
import { startMlserver, type Mlserver } from './model-servers/mlserver.ts';
import { assertArrivesInParts, assertSameAnswer, type SameCase } from './model-servers/same-answers.ts';

const modes = {
  'with a worker, as it is by default': { workers: 1, load: kinds, cases: answers },
  'without workers, so that it can stream': { workers: 0, load: workerlessKinds, cases: workerlessAnswers },
};

for (const [mode, { workers, load, cases }] of Object.entries(modes)) {
  describe(`MLServer ${mode}`, { skip: skipWithout('mlserver'), timeout: 240_000 }, () => {
    let mlserver: Mlserver;
    let gateway: RunningGateway;
    let ledger: Entry<MlserverKind>[];
    const undo: (() => Promise<unknown>)[] = [];
    before(async () => {
      mlserver = await startMlserver({ workers });
      undo.unshift(() => mlserver.stop());
      gateway = await startGateway({
        upstreams: [{ name: 'mlserver', url: mlserver.url, protocol: 'open-inference' }],
      });
      undo.unshift(() => gateway.stop());
      ledger = await sendLoad<MlserverKind>({ url: gateway.urls.inference, kinds: load });
    });
    after(async () => {
      for (const each of undo) await each();
    });

    it('answers the load as it has to', () => assert.deepEqual(surprises(ledger), []));
    it('is counted by the gateway as by who sent the load', async () => {
      assert.deepEqual(await gatewayCounts(gateway), expectedAtGateway(ledger));
    });
    it('counts the same itself', async () => {
      assert.deepEqual(await mlserverCounts(mlserver), expectedAtMlserver(ledger));
    });

    for (const [name, { why }] of Object.entries(exceptions)) {
      if (workers > 0 && name === 'broken') continue;
      it(`counts otherwise: ${name}, since it ${why}`, () =>
        assert.ok(ledger.some(({ kind }) => kind.except === name)));
    }
    for (const [what, asking] of Object.entries<SameCase>(cases)) {
      it(`answers the same with and without the gateway: ${what}`, () => {
        const ways = { direct: mlserver.url, gateway: gateway.urls.inference, dropped: mlserver.uncaught };
        return assertSameAnswer(ways, asking);
      });
    }
    if (workers === 0)
      it('streams part by part', { timeout: 240_000 }, () =>
        assertArrivesInParts(gateway.urls.inference, {
          stream: letters('ab|cd', 'generate_stream'),
          before: '["b"]',
          goOn: letters('go on'),
          behind: '["d"]',
        }),
      );
  });
}
