import assert from 'node:assert/strict';
import type { Answers, Question } from '../../../../src/observables/systeminformation/answers.ts';
import type { SysteminformationClient } from '../../../../src/observables/systeminformation/client.ts';

/** Answers one question after the other with what is given for them, in order; rejects with an error. */
export function answering<Q extends Question>(
  question: Q,
  ...answers: (Answers[Q] | Error)[]
): SysteminformationClient {
  const left = [...answers];
  return {
    ask: <Asked extends Question>(asked: Asked) => {
      assert.equal(asked, question);
      const answer = left.shift() ?? assert.fail('asked too often');
      if (answer instanceof Error) return Promise.reject(answer);
      return Promise.resolve(answer as Answers[Asked]);
    },
    close: () => Promise.resolve(),
  };
}
