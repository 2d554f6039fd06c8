import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { errorText } from '../../src/std/error-text.ts';

const cases: Record<string, { thrown: unknown; text: string }> = {
  'an error': { thrown: new TypeError('no reading'), text: 'TypeError: no reading' },
  'a string': { thrown: 'no reading', text: 'no reading' },
  nothing: { thrown: undefined, text: 'undefined' },
  'a symbol': { thrown: Symbol('no reading'), text: 'Symbol(no reading)' },
  'an object without a prototype': { thrown: Object.create(null), text: 'an error that has no text' },
  'an object of which the text is no text': { thrown: { toString: () => ({}) }, text: 'an error that has no text' },
  'an error that throws when it is asked': {
    thrown: Object.defineProperty(new Error(), 'message', {
      get: () => {
        throw new Error('once more');
      },
    }),
    text: 'an error that has no text',
  },
};

describe('the text of what was thrown', () => {
  for (const [what, { thrown, text }] of Object.entries(cases)) {
    it(`is there for ${what}`, () => assert.equal(errorText(thrown), text));
  }
});
