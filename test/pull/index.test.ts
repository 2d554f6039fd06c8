import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createEvents } from '../../src/telemetry/events.ts';
import type { Reader } from '../../src/telemetry/engine.ts';
import { createInstruments } from '../../src/telemetry/instruments.ts';
import { parseError, withoutPromtool } from '../exposition/promtool.ts';
import { readPage } from '../exposition/read-page.ts';
import { createRecordingLogger, createTestTelemetry } from '../support/telemetry.ts';
import { createTestEngine } from '../telemetry/engines.ts';
import { servePull } from './scrape.ts';

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';

/** @returns the value of the only sample of that name, or undefined when there is none. */
function valueOf(page: string, name: string): number | undefined {
  const samples = readPage(page).samples.filter((sample) => sample.name === name);
  assert.ok(samples.length < 2, `${name} has ${samples.length} samples`);
  return samples[0]?.value;
}

describe('a scrape', () => {
  it('is a page of text 0.0.4 with what was recorded, and says so', async (t) => {
    const telemetry = createTestTelemetry();
    telemetry.instruments.counter('inference.requests').add(3, { 'inference.outcome': 'success' });
    const scrape = await servePull(t, { ...telemetry, reader: telemetry.pull });
    const { status, contentType, body } = await scrape();
    assert.deepEqual([status, contentType], [200, TEXT]);
    assert.equal(valueOf(body, 'inference_requests_total'), 3);
    assert.equal(valueOf(body, 'metergate_build_info'), 1);
    assert.equal(readPage(body).types.get('inference_requests_total'), 'counter');
  });

  it('is one that promtool reads', { skip: withoutPromtool }, async (t) => {
    const telemetry = createTestTelemetry();
    telemetry.instruments.histogram('inference.request.duration').record(0.2, { 'inference.model.name': 'a "b"\n\\c' });
    const scrape = await servePull(t, { ...telemetry, reader: telemetry.pull });
    assert.equal(parseError((await scrape()).body), undefined);
  });

  it('changes nothing: the next one finds the same', async (t) => {
    const telemetry = createTestTelemetry();
    telemetry.instruments.counter('inference.requests').add(3);
    const scrape = await servePull(t, { ...telemetry, reader: telemetry.pull });
    assert.equal((await scrape()).body, (await scrape()).body);
  });

  it('by any other method is 405 and no collection', async (t) => {
    const telemetry = createTestTelemetry();
    let collections = 0;
    const reader: Reader = {
      collect: (timeoutMs) => {
        collections++;
        return telemetry.pull.collect(timeoutMs);
      },
    };
    const scrape = await servePull(t, { ...telemetry, reader });
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      for (const path of ['/metrics', '/metrics/otel-js']) {
        const { status, headers } = await scrape(path, { method });
        assert.deepEqual([status, headers.allow], [405, 'GET, HEAD']);
      }
    }
    assert.equal(collections, 0);
  });

  it('of a path beside it is 404', async (t) => {
    const telemetry = createTestTelemetry();
    const scrape = await servePull(t, { ...telemetry, reader: telemetry.pull });
    for (const path of ['/', '/metrics/', '/metrics/unknown']) assert.equal((await scrape(path)).status, 404);
  });
});

describe('a scrape whose collection fails', () => {
  it('is 500 without a sample, whatever the error says, and is counted and logged', async (t) => {
    const telemetry = createTestTelemetry();
    const reader: Reader = { collect: () => Promise.reject(new Error('broken\ninjected{a="b"} 1\n# TYPE x counter')) };
    const scrape = await servePull(t, { ...telemetry, reader });
    for (const path of ['/metrics', '/metrics/otel-js']) {
      const { status, body } = await scrape(path);
      assert.equal(status, 500);
      assert.equal(body, 'The collection failed; see the log of the gateway.\n');
    }
    assert.equal(await telemetry.value('metergate.pull.scrape.errors'), 2);
    assert.deepEqual(
      telemetry.lines.map(({ level, message }) => [level, message]),
      [['error', 'scrape failed']],
    );
  });

  it('is 500 once the engine is shut down', async (t) => {
    const telemetry = createTestTelemetry();
    const scrape = await servePull(t, { ...telemetry, reader: telemetry.pull });
    await telemetry.shutdown();
    assert.equal((await scrape()).status, 500);
  });
});

describe('a source that fails', () => {
  it('costs its own readings only, and the next scrape says so', async (t) => {
    const telemetry = createTestTelemetry();
    telemetry.instruments.counter('inference.requests').add(1);
    telemetry.instruments.observe('process.uptime', () => {
      throw new Error('no reading');
    });
    telemetry.instruments.observe('system.memory.limit', (observe) => observe(1024));
    const scrape = await servePull(t, { ...telemetry, reader: telemetry.pull });

    const first = await scrape();
    assert.equal(first.status, 200);
    assert.equal(valueOf(first.body, 'inference_requests_total'), 1);
    assert.equal(valueOf(first.body, 'system_memory_limit_bytes'), 1024);
    assert.equal(valueOf(first.body, 'process_uptime_seconds'), undefined);
    assert.equal(valueOf((await scrape()).body, 'metergate_scrape_source_errors_total'), 1);
  });
});

describe('two instruments that want one name', () => {
  for (const name of ['native', 'sdk'] as const) {
    for (const order of ['before', 'after']) {
      it(`leave it to the catalogue's when the other was created ${order} it, with the engine ${name}`, async (t) => {
        const engine = createTestEngine(name);
        const foreign = (): void =>
          engine.getMeter({ name: 'foreign' }).createGauge('inference.requests.total').record(9);
        if (order === 'before') foreign();
        const instruments = createInstruments(engine);
        instruments.counter('inference.requests').add(3);
        if (order === 'after') foreign();

        const { logger, lines } = createRecordingLogger();
        const scrape = await servePull(t, { reader: engine.pull, events: createEvents(instruments, logger) });
        const { body } = await scrape();
        assert.equal(valueOf(body, 'inference_requests_total'), 3);
        assert.equal(readPage(body).types.get('inference_requests_total'), 'counter');
        assert.deepEqual(
          lines.map(({ message, fields }) => [message, fields]),
          [['family dropped', { 'metergate.reason': 'type_conflict', family: 'inference.requests.total' }]],
        );

        const dropped = readPage((await scrape()).body).samples.filter(
          ({ name }) => name === 'metergate_pull_families_dropped_total',
        );
        assert.deepEqual(
          dropped.map(({ labels, value }) => [labels.get('metergate_reason'), value]),
          [['type_conflict', 1]],
        );
      });
    }
  }
});
