import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRounds } from '../../../../src/observables/gpu/nvidia-smi/rounds.ts';
import type { Row } from '../../../../src/observables/gpu/nvidia-smi/row.ts';

function rowOf(index: number, { count, uuid = `GPU-${index}` }: { count?: number; uuid?: string | null } = {}): Row {
  const gpu = { name: String(index), state: 'ok', values: {} } as const;
  return { index: String(index), count, uuid: uuid ?? undefined, gpu, faults: [] };
}

describe('rounds', () => {
  it('end when as many GPUs have come as there are said to be', () => {
    let rounds = 0;
    const gpus = createRounds(() => rounds++);
    gpus.add(rowOf(0, { count: 2 }));
    assert.equal(rounds, 0);
    gpus.add(rowOf(1, { count: 2 }));
    assert.equal(rounds, 1);
  });

  it('end when one comes again, where nothing is said', () => {
    let rounds = 0;
    const gpus = createRounds(() => rounds++);
    gpus.add(rowOf(0));
    gpus.add(rowOf(1));
    assert.equal(rounds, 0);
    gpus.add(rowOf(0));
    assert.equal(rounds, 1);
  });

  it('end once each, also where there are fewer GPUs than there are said to be, or more', () => {
    for (const [count, ends] of Object.entries({ 1: 3, 2: 3, 3: 2, 9: 2 })) {
      let rounds = 0;
      const gpus = createRounds(() => rounds++);
      for (let nth = 0; nth < 3; nth++) [0, 1].forEach((index) => gpus.add(rowOf(index, { count: Number(count) })));
      assert.equal(rounds, ends, `${count} are said to be there`);
    }
  });

  it('are missed by a GPU that comes in none from the start of one to its end', () => {
    const gpus = createRounds(() => {});
    const missed = () => gpus.readings().flatMap(({ who, missed: is }) => (is ? [who] : []));
    [0, 1, 2].forEach((index) => gpus.add(rowOf(index)));
    [0, 2].forEach((index) => gpus.add(rowOf(index)));
    assert.deepEqual(missed(), []);
    gpus.add(rowOf(0));
    assert.deepEqual(missed(), ['GPU 1 (GPU-1)']);
    gpus.add(rowOf(1));
    assert.deepEqual(missed(), []);
  });

  it('also when it is the first that is missing', () => {
    const gpus = createRounds(() => {});
    [0, 1, 1, 1].forEach((index) => gpus.add(rowOf(index)));
    assert.deepEqual(
      gpus.readings().map(({ missed }) => missed),
      [true, false],
    );
  });

  it('are ordered by index, which is a number', () => {
    const gpus = createRounds(() => {});
    [10, 9, 0].forEach((index) => gpus.add(rowOf(index)));
    assert.deepEqual(
      gpus.readings().map(({ gpu }) => gpu?.name),
      ['0', '9', '10'],
    );
  });

  it('know the UUID of a GPU that does not say it any more, but not of one that never did', () => {
    const gpus = createRounds(() => {});
    gpus.add(rowOf(0));
    gpus.add(rowOf(0, { uuid: null }));
    gpus.add(rowOf(1, { uuid: null }));
    assert.deepEqual(
      gpus.readings().map(({ who, gpu }) => [who, gpu?.id]),
      [
        ['GPU 0 (GPU-0)', 'GPU-0'],
        ['GPU 1', undefined],
      ],
    );
  });

  it('take 256 GPUs and no more', () => {
    const gpus = createRounds(() => {});
    for (let index = 0; index < 256; index++) assert.ok(gpus.add(rowOf(index)));
    assert.equal(gpus.add(rowOf(256)), false);
    assert.ok(gpus.add(rowOf(7)));
    assert.equal(gpus.readings().length, 256);
  });
});
