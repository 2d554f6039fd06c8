// Instruments of a program that uses the library, beside those of the catalogue.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toPoints } from './engines.ts';
import { engineNames, pageOf, samplesOf, telemetryOn } from './telemetry-on.ts';

for (const engine of engineNames) {
  describe(`a meter of a program's own, with the engine ${engine}`, () => {
    it('has its instruments in every collection, under its scope', async () => {
      const telemetry = telemetryOn(engine);
      const meter = telemetry.getMeter({ name: 'mine', version: '1' });
      meter.createCounter('jobs').bind({ queue: 'a' }).add(2);
      meter.createObservableGauge('depth').addCallback((result) => result.observe(7));
      telemetry.getMeter({ name: 'mine', version: '1' }).createCounter('jobs').add(1, { queue: 'a' });
      const own = { depth: 7, 'jobs_total{queue="a"}': 3 };
      assert.deepEqual(samplesOf(await pageOf(telemetry), 'mine'), own);
      const { jobs, depth } = toPoints((await telemetry.pushed.collect()).resourceMetrics());
      assert.deepEqual({ jobs, depth }, { jobs: { 'queue=a': 3 }, depth: { '': 7 } });
    });

    it('leaves a name that the catalogue has to the catalogue, on the page', async () => {
      const telemetry = telemetryOn(engine);
      telemetry.getMeter({ name: 'mine' }).createCounter('inference.requests').add(5, { of: 'mine' });
      telemetry.instruments.counter('inference.requests').add(3);
      const page = await pageOf(telemetry);
      assert.equal(samplesOf(page, 'metergate').inference_requests_total, 3);
      assert.deepEqual(samplesOf(page, 'mine'), { 'inference_requests_total{of="mine"}': 5 });
    });
  });
}
