import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLines } from '../../../../src/observables/gpu/nvidia-smi/lines.ts';

const TOO_LONG = '(too long)';

function linesOf(chunks: readonly string[]): string[] {
  const lines: string[] = [];
  const taker = createLines(
    (line) => void lines.push(line),
    () => void lines.push(TOO_LONG),
    10,
  );
  chunks.forEach((chunk) => taker.push(chunk));
  taker.end();
  return lines;
}

describe('lines', () => {
  const cases: Record<string, { chunks: readonly string[]; lines: readonly string[] }> = {
    'several in one chunk': { chunks: ['a\nb\n'], lines: ['a', 'b'] },
    'one in several chunks': { chunks: ['a', 'b', 'c\n'], lines: ['abc'] },
    'chunks that end anywhere': { chunks: ['a\nb', '\n', 'c\nd\ne', 'f\n'], lines: ['a', 'b', 'c', 'd', 'ef'] },
    'the line ends of Windows': { chunks: ['a\r', '\nb\r\n'], lines: ['a', 'b'] },
    'empty ones': { chunks: ['\n\na\n'], lines: ['', '', 'a'] },
    'a last one without an end': { chunks: ['a\nb'], lines: ['a', 'b'] },
    nothing: { chunks: [], lines: [] },
    'one too long in a chunk': { chunks: [`a\n${'x'.repeat(11)}\nb\n`], lines: ['a', TOO_LONG, 'b'] },
    'one too long in many, said once': {
      chunks: ['xxxxxx', 'xxxxxx', 'xxxxxx', 'xxxxxx\nb\n'],
      lines: [TOO_LONG, 'b'],
    },
    'two too long': { chunks: ['x'.repeat(12), '\n', 'x'.repeat(12), '\nb\n'], lines: [TOO_LONG, TOO_LONG, 'b'] },
    'one that has no end and is too long': { chunks: ['x'.repeat(12), 'xxx'], lines: [TOO_LONG] },
    'one that is just not too long': { chunks: ['x'.repeat(10), '\n'], lines: ['x'.repeat(10)] },
  };
  for (const [name, { chunks, lines }] of Object.entries(cases)) {
    it(`are taken from chunks: ${name}`, () => assert.deepEqual(linesOf(chunks), lines));
  }
});
