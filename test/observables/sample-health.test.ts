import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SampleError, type SampleReason } from '../../src/observables/observable.ts';
import { asSampleError, createSampleHealth } from '../../src/observables/sample-health.ts';
import { createEvents } from '../../src/telemetry/events.ts';
import { createTestTelemetry } from '../support/telemetry.ts';

const ERRORS = 'metergate.observable.errors';

const gone = (message = 'no /proc/stat') => new SampleError('missing', message);
const odd = (message = 'line 3 of /proc/stat') => new SampleError('malformed', message);
const none = (message = 'no /proc/pressure') => new SampleError('unsupported', message);

/** Nothing that is logged is kept silent by the quiet time of events, unless `quietMs` says so. */
function setUp(quietMs = 0, { changedQuietMs = 0 } = {}) {
  const telemetry = createTestTelemetry();
  const events = createEvents(telemetry.instruments, telemetry.logger, quietMs);
  return {
    health: createSampleHealth({ name: 'host.cpu', events, logger: telemetry.logger, changedQuietMs }),
    /** `level message reason: errors`, of the lines so far. */
    lines: () =>
      telemetry.lines.map(({ level, message, fields }) => {
        assert.equal(fields['metergate.observable'], 'host.cpu');
        const reasons = [fields['error.type'], fields.error, fields.reason].filter((text) => typeof text === 'string');
        return [level, message, ...reasons].join(' ');
      }),
    counts: async () => {
      const series = await telemetry.series(ERRORS);
      return Object.fromEntries(series.map(({ attributes, value }) => [String(attributes['error.type']), value]));
    },
  };
}

describe('the health of samples', () => {
  it('is not known before the first sample', () => {
    const { health } = setUp();
    assert.equal(health.success(), undefined);
    assert.deepEqual(health.status(), { lastSuccess: null, lastError: null });
  });

  it('says nothing as long as all goes well', async () => {
    const { health, lines, counts } = setUp();
    for (let i = 0; i < 3; i++) health.ended([]);
    assert.equal(health.success(), true);
    assert.match(health.status().lastSuccess ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.deepEqual(lines(), []);
    assert.deepEqual(await counts(), {});
  });

  it('counts a failure at every sample, logs it once, and says when it is over', async () => {
    const { health, lines, counts } = setUp();
    for (let i = 0; i < 4; i++) health.ended([gone()]);
    assert.equal(health.success(), false);
    assert.deepEqual(lines(), ['warn sample failed missing no /proc/stat']);
    assert.deepEqual(await counts(), { missing: 4 });

    for (let i = 0; i < 3; i++) health.ended([]);
    assert.equal(health.success(), true);
    assert.deepEqual(lines().slice(1), ['info observable recovered']);
    assert.equal(health.status().lastError?.message, 'no /proc/stat');

    health.ended([gone()]);
    assert.deepEqual(lines().slice(2), ['warn sample failed missing no /proc/stat']);
  });

  it('logs a failure again when it has become another one', () => {
    const { health, lines } = setUp();
    for (const error of [gone('no a'), gone('no a'), gone('no b'), odd(), odd(), gone('no b')]) health.ended([error]);
    assert.deepEqual(lines(), [
      'warn sample failed missing no a',
      'warn sample failed missing no b',
      'warn sample failed malformed line 3 of /proc/stat',
    ]);
    assert.deepEqual([health.status().lastError?.reason, health.status().lastError?.message], ['missing', 'no b']);
  });

  it('is silent about other words of a failure that goes on, but not of one that begins', () => {
    const { health, lines } = setUp(0, { changedQuietMs: 60_000 });
    for (const errors of [[gone('1 s late')], [gone('2 s late')], [odd()], [], [gone('3 s late')]])
      health.ended(errors);
    assert.deepEqual(lines(), [
      'warn sample failed missing 1 s late',
      'warn sample failed malformed line 3 of /proc/stat',
      'info observable recovered',
      'warn sample failed missing 3 s late',
    ]);
  });

  it('logs after the quiet time what could not be logged in it', async () => {
    const { health, lines, counts } = setUp(200);
    health.ended([gone('no a')]);
    health.ended([gone('no b')]);
    assert.deepEqual(lines(), ['warn sample failed missing no a']);
    await new Promise((resolve) => setTimeout(resolve, 220));
    for (let i = 0; i < 3; i++) health.ended([gone('no b')]);
    assert.deepEqual(lines().slice(1), ['warn sample failed missing no b']);
    assert.deepEqual(await counts(), { missing: 5 });
  });

  it('puts the errors of one reason in one line, and counts them as one', async () => {
    const { health, lines, counts } = setUp();
    health.ended([gone('no a'), odd('b'), gone('no c')]);
    assert.deepEqual(lines(), ['warn sample failed missing no a; no c', 'warn sample failed malformed b']);
    assert.deepEqual(await counts(), { missing: 1, malformed: 1 });
  });

  it('puts at most five errors in a line, and says how many more there were', () => {
    const { health, lines } = setUp();
    const errors = (count: number) => Array.from({ length: count }, (_, i) => gone(`no ${i}`));
    health.ended(errors(5));
    health.ended(errors(7));
    assert.deepEqual(lines(), [
      'warn sample failed missing no 0; no 1; no 2; no 3; no 4',
      'warn sample failed missing no 0; no 1; no 2; no 3; no 4; 2 more',
    ]);
  });

  it('takes what the machine does not have for no failure: neither counted, nor said again, nor a success', async () => {
    const { health, lines, counts } = setUp();
    for (let i = 0; i < 3; i++) health.ended([none()]);
    assert.equal(health.success(), undefined);
    assert.equal(health.status().lastSuccess, null);
    assert.deepEqual(lines(), ['info observable not supported no /proc/pressure']);
    assert.deepEqual(await counts(), {});
  });

  it('says that a failure is over when only that is left which the machine does not have, and says it anew', () => {
    const { health, lines } = setUp();
    for (const errors of [[gone()], [none()], [gone()], [none()], []]) health.ended(errors);
    assert.deepEqual(lines(), [
      'warn sample failed missing no /proc/stat',
      'info observable recovered',
      'info observable not supported no /proc/pressure',
      'warn sample failed missing no /proc/stat',
      'info observable recovered',
      'info observable not supported no /proc/pressure',
      'info observable recovered',
    ]);
  });

  it('takes a sample for failed when something else failed beside what the machine does not have', async () => {
    const { health, lines, counts } = setUp();
    health.ended([none(), odd()]);
    assert.equal(health.success(), false);
    assert.deepEqual(lines(), [
      'info observable not supported no /proc/pressure',
      'warn sample failed malformed line 3 of /proc/stat',
    ]);
    assert.deepEqual(await counts(), { malformed: 1 });
  });
});

describe('whatever a group threw', () => {
  const cause = new RangeError('out of range');
  const cases: Record<string, { thrown: unknown; reason: SampleReason; message: RegExp }> = {
    'a SampleError is one already': { thrown: gone(), reason: 'missing', message: /^no \/proc\/stat$/ },
    'another error keeps its message': { thrown: cause, reason: 'other', message: /^out of range$/ },
    'a text is a message': { thrown: 'broken', reason: 'other', message: /broken/ },
    'nothing at all is said, too': { thrown: undefined, reason: 'other', message: /undefined/ },
  };
  for (const [what, { thrown, reason, message }] of Object.entries(cases)) {
    it(what, () => {
      const error = asSampleError(thrown);
      assert.equal(error.reason, reason);
      assert.match(error.message, message);
      assert.equal(error === thrown || error.cause === thrown, true);
    });
  }
});
