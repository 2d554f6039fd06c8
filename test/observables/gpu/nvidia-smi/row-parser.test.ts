import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createQuery } from '../../../../src/observables/gpu/nvidia-smi/columns.ts';
import { createRowParser } from '../../../../src/observables/gpu/nvidia-smi/row-parser.ts';
import { parseRow } from '../../../../src/observables/gpu/nvidia-smi/row.ts';

const { columns, names } = createQuery(new Set());

/** Of what a driver says, and of what nobody should. */
const cell = fc.oneof(
  { weight: 8, arbitrary: fc.nat({ max: 120 }).map(String) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '1.50',
      '1,5',
      '[N/A]',
      '',
      'P2',
      'Active',
      'Not Active',
      '[GPU is lost]',
      '9e9',
      'x, y',
    ),
  },
);
/** For one of the columns, another cell; the first is which GPU it is. */
const change = fc.tuple(fc.nat({ max: names.length - 1 }), cell);
const rows = fc.array(fc.array(change, { maxLength: 4 }), { minLength: 2, maxLength: 8 });

function told(row: ReturnType<typeof parseRow>) {
  return row && { ...row, faults: row.faults.map(({ reason, message }) => `${reason}: ${message}`) };
}

/** The lines of one GPU, each the one before with some other cells. */
function linesOf(changes: readonly (readonly [number, string])[][], index: string): string[] {
  const cells = names.map((name) => (name === 'index' ? index : name === 'uuid' ? `GPU-${index}` : '40'));
  return changes.map((of) => {
    for (const [at, text] of of) cells[at] = text;
    return cells.join(', ');
  });
}

describe('a parser of rows', () => {
  it('makes of each row what is made of it alone, whatever has changed since the last one', () => {
    fc.assert(
      fc.property(rows, rows, (first, second) => {
        const parse = createRowParser(columns);
        const others = linesOf(second, '1');
        for (const [nth, line] of linesOf(first, '0').entries()) {
          assert.deepEqual(told(parse(line)), told(parseRow(line, columns)));
          const other = others[nth] ?? line;
          assert.deepEqual(told(parse(other)), told(parseRow(other, columns)));
        }
      }),
    );
  });

  const [line = '', hot = '', long = ''] = linesOf(
    [[], [[names.indexOf('temperature.gpu'), '41']], [[names.length - 1, '400']]],
    '0',
  );
  const sequences: Record<string, readonly string[]> = {
    'one that is cut off': [line, hot.slice(0, -8), hot],
    'a name that begins as the last one did': [hot, long],
    'a name that ends where the last one went on': [long, hot],
    'more cells than there are columns': [line, `${line}, ${line}`, line],
    'what is no row at all': [line, '0', '', line],
  };
  for (const [name, sequence] of Object.entries(sequences)) {
    it(`is not misled by ${name}`, () => {
      const parse = createRowParser(columns);
      for (const one of sequence) assert.deepEqual(told(parse(one)), told(parseRow(one, columns)));
    });
  }

  it('leaves a row as it was when another one comes', () => {
    const parse = createRowParser(columns);
    const [before, after] = linesOf([[], [[names.indexOf('temperature.gpu'), '41']]], '0').map(parse);
    assert.equal(before?.gpu.values.temperature, 40);
    assert.equal(after?.gpu.values.temperature, 41);
  });

  it('parses rows of more GPUs than it remembers', () => {
    const parse = createRowParser(columns);
    for (let nth = 0; nth < 2; nth++) {
      for (let index = 0; index < 300; index++) {
        const [line = ''] = linesOf([[[names.length - 2, String(nth)]]], String(index));
        assert.deepEqual(told(parse(line)), told(parseRow(line, columns)));
      }
    }
  });
});
