import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createHealth, type HealthOptions } from '../../../src/serving/proxy/health.ts';

type Step = 'failed' | 'tried' | 'answered' | 'passed check' | 'failed check' | number;

type Options = Omit<HealthOptions, 'onChange'>;

/** A replica whose clock stands still unless it is told that milliseconds pass. */
function createSubject({ unhealthyAfter = 3, backoffMaxMs = 4_000 }: Partial<Options> = {}) {
  const changes: boolean[] = [];
  const health = createHealth({ unhealthyAfter, backoffMaxMs, onChange: (healthy) => changes.push(healthy) });
  let nowMs = 5_000;
  const step = (what: Step): void => {
    if (typeof what === 'number') nowMs += what;
    else if (what === 'failed') health.failed(nowMs);
    else if (what === 'tried') health.tried(nowMs);
    else if (what === 'answered') health.answered();
    else health.checked(what === 'passed check');
  };
  return { health, changes, step, accepts: () => health.accepts(nowMs) };
}

const failed = (times: number): Step[] => Array<Step>(times).fill('failed');
const failedChecks = (times: number): Step[] => Array<Step>(times).fill('failed check');

/** Of what was said, in order: whether it is healthy then, whether it is sent a request, and how often it had changed. */
const cases: Record<string, { steps: Step[]; healthy: boolean; accepts: boolean; changes: number }> = {
  'at first it is well': { steps: [], healthy: true, accepts: true, changes: 0 },
  'fewer failures than it takes say nothing': { steps: failed(2), healthy: true, accepts: true, changes: 0 },
  'enough failures in a row are enough': { steps: failed(3), healthy: false, accepts: false, changes: 1 },
  'more of them change nothing more': { steps: failed(9), healthy: false, accepts: false, changes: 1 },
  'an answer between them starts the row anew': {
    steps: [...failed(2), 'answered', ...failed(2)],
    healthy: true,
    accepts: true,
    changes: 0,
  },
  'a check that passes between failures of requests does not': {
    steps: [...failed(2), 'passed check', 'failed'],
    healthy: false,
    accepts: false,
    changes: 1,
  },
  'failures of the two kinds are not added up': {
    steps: [...failed(2), ...failedChecks(2)],
    healthy: true,
    accepts: true,
    changes: 0,
  },
  'an answer makes it well': { steps: [...failed(3), 'answered'], healthy: true, accepts: true, changes: 2 },
  'before its back-off is over it is sent nothing': {
    steps: [...failed(3), 999],
    healthy: false,
    accepts: false,
    changes: 1,
  },
  'after it, it is sent a request': { steps: [...failed(3), 1_000], healthy: false, accepts: true, changes: 1 },
  'a second back-off is longer': {
    steps: [...failed(3), 1_000, 'failed', 1_999],
    healthy: false,
    accepts: false,
    changes: 1,
  },
  'and ends': { steps: [...failed(3), 1_000, 'failed', 2_000], healthy: false, accepts: true, changes: 1 },
  'what was on its way when it was found out does not make it longer': {
    steps: [...failed(3), 10, ...failed(5), 990],
    healthy: false,
    accepts: true,
    changes: 1,
  },
  'no back-off is longer than the longest': {
    steps: [...failed(3), 1_000, 'failed', 2_000, 'failed', 4_000, 'failed', 4_000],
    healthy: false,
    accepts: true,
    changes: 1,
  },
  'after an answer the back-off begins again': {
    steps: [...failed(3), 1_000, 'failed', 2_000, 'answered', ...failed(3), 1_000],
    healthy: false,
    accepts: true,
    changes: 3,
  },
  'also when the answer came before the back-off was over': {
    steps: [...failed(3), 1_000, 'failed', 2_000, 'failed', 10, 'answered', ...failed(3), 1_000],
    healthy: false,
    accepts: true,
    changes: 3,
  },
  'and such a one is not shorter': {
    steps: [...failed(3), 900, 'answered', ...failed(3), 200],
    healthy: false,
    accepts: false,
    changes: 3,
  },
  'fewer failed checks say nothing': { steps: failedChecks(2), healthy: true, accepts: true, changes: 0 },
  'enough failed checks are enough': { steps: failedChecks(3), healthy: false, accepts: false, changes: 1 },
  'what failed checks is left alone however long': {
    steps: [...failedChecks(3), 3_600_000],
    healthy: false,
    accepts: false,
    changes: 1,
  },
  'an answer does not outweigh failed checks': {
    steps: [...failedChecks(3), 'answered'],
    healthy: false,
    accepts: false,
    changes: 1,
  },
  'a check that passes does': { steps: [...failedChecks(9), 'passed check'], healthy: true, accepts: true, changes: 2 },
  'a check that passes does not make the next back-off shorter': {
    steps: [...failed(3), 'passed check', ...failed(3), 1_999],
    healthy: false,
    accepts: false,
    changes: 3,
  },
  'a check that passes makes well what failed requests, too': {
    steps: [...failed(3), ...failedChecks(3), 'passed check'],
    healthy: true,
    accepts: true,
    changes: 2,
  },
};
for (const [name, { steps, healthy, accepts, changes }] of Object.entries(cases)) {
  test(name, () => {
    const subject = createSubject();
    steps.forEach(subject.step);
    assert.deepEqual([subject.health.healthy, subject.accepts()], [healthy, accepts]);
    assert.equal(subject.changes.length, changes);
  });
}

test('after its back-off it is sent one request, and the next when twice the time is over', () => {
  const subject = createSubject();
  [...failed(3), 1_000].forEach(subject.step);
  assert.equal(subject.accepts(), true);
  subject.step('tried');
  assert.equal(subject.accepts(), false);
  // It is what was tried that failed.
  ['failed' as const, 1_999].forEach(subject.step);
  assert.equal(subject.accepts(), false);
  subject.step(1);
  assert.equal(subject.accepts(), true);
});

test('a longest back-off that is shorter than the first one holds from the start', () => {
  const subject = createSubject({ backoffMaxMs: 100 });
  [...failed(3), 100].forEach(subject.step);
  assert.equal(subject.accepts(), true);
});

/** What is said in `health.ts`, word by word, from all that ever happened. */
function reference(steps: readonly Step[], { unhealthyAfter, backoffMaxMs }: Options) {
  let nowMs = 0;
  let [failures, failedInARow] = [0, 0];
  let [backoffs, retryAtMs] = [0, 0];
  for (const step of steps) {
    if (typeof step === 'number') nowMs += step;
    if (step === 'failed check') failedInARow++;
    if (step === 'passed check') failedInARow = 0;
    const isBack = step === 'answered' || (step === 'passed check' && failures >= unhealthyAfter);
    if (isBack) failures = retryAtMs = 0;
    if (step === 'answered') backoffs = 0;
    const isNew = step === 'failed' && ++failures >= unhealthyAfter && nowMs >= retryAtMs;
    if (isNew || step === 'tried') retryAtMs = nowMs + Math.min(1_000 * 2 ** backoffs++, backoffMaxMs);
  }
  const [failed, out] = [failures >= unhealthyAfter, failedInARow >= unhealthyAfter];
  return { healthy: !failed && !out, accepts: !out && (!failed || nowMs >= retryAtMs) };
}

test('whatever happens in whatever order, it is as the reference says', () => {
  const said: Step[] = ['failed', 'failed', 'failed', 'tried', 'answered', 'passed check', 'failed check'];
  const step = fc.oneof(fc.constantFrom(...said), fc.constantFrom<Step>(1, 100, 500, 999, 1_000, 2_000));
  const options = fc.record({
    unhealthyAfter: fc.integer({ min: 1, max: 4 }),
    backoffMaxMs: fc.constantFrom(100, 1_500, 10_000),
  });
  const check = (steps: Step[], given: Options): void => {
    const subject = createSubject(given);
    const done: Step[] = [];
    let before = true;
    steps.forEach((each) => {
      // Only one that is to show that it is back is tried.
      if (each === 'tried' && (subject.health.healthy || !subject.accepts())) return;
      done.push(each);
      const changesBefore = subject.changes.length;
      subject.step(each);
      const expected = reference(done, given);
      const { healthy } = subject.health;
      assert.deepEqual({ healthy, accepts: subject.accepts() }, expected);
      assert.deepEqual(subject.changes.slice(changesBefore), healthy === before ? [] : [healthy]);
      before = healthy;
    });
  };
  fc.assert(fc.property(fc.array(step, { maxLength: 60, size: 'max' }), options, check), { numRuns: 1_000 });
});
