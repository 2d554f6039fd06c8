import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createReader } from '../../../../src/observables/gpu/nvidia-smi/reader.ts';
import type { RowReading } from '../../../../src/observables/gpu/nvidia-smi/rounds.ts';
import { SampleError } from '../../../../src/observables/observable.ts';

function readingOf(index: number, reading: Partial<RowReading> = {}): RowReading {
  const gpu = { id: `GPU-${index}`, name: String(index), state: 'ok', values: { power: 1 } } as const;
  return { who: `GPU ${index}`, gpu, faults: [], ageMs: 0, missed: false, ...reading };
}

function createTestReader(takenAgo: (ms: number) => void = () => {}) {
  const reader = createReader({ path: 'nvidia-smi', shownMs: 3000 });
  /** The names of the GPUs, and what is reported. */
  return (readings: readonly RowReading[], malformed?: SampleError) => {
    const reports: string[] = [];
    const run = { readings: () => [...readings], malformed: () => malformed };
    const report = ({ reason, message }: SampleError) => void reports.push(`${reason}: ${message}`);
    const gpus = reader.read(run, { report, takenAgo });
    return [gpus.map(({ name }) => name), reports];
  };
}

describe('what is read of the rows of nvidia-smi', () => {
  it('are GPUs with fresh rows; it is said which have none any more', () => {
    const read = createTestReader();
    assert.deepEqual(read([readingOf(0), readingOf(1)]), [['0', '1'], []]);
    assert.deepEqual(read([readingOf(0), readingOf(1, { ageMs: 3001 })]), [
      ['0'],
      ['timeout: GPU 1 has not been read for 3 s'],
    ]);
    assert.deepEqual(read([readingOf(0), readingOf(1, { ageMs: 3000 })]), [['0', '1'], []]);
  });

  it('are as old as the oldest row that is shown', () => {
    const ages: number[] = [];
    const read = createTestReader((ms) => void ages.push(ms));
    read([readingOf(0, { ageMs: 100 }), readingOf(1, { ageMs: 900 }), readingOf(2, { ageMs: 3001 })]);
    assert.deepEqual(ages, [900]);
  });

  it('misses GPUs that a round came without, and those that a new run does not know', () => {
    const read = createTestReader();
    read([readingOf(0), readingOf(1)]);
    const says = ['device: GPU 1 (GPU-1) is not there any more'];
    assert.deepEqual(read([readingOf(0), readingOf(1, { missed: true })]), [['0'], says]);
    assert.deepEqual(read([readingOf(0)]), [['0'], says]);
    assert.deepEqual(read([readingOf(1), readingOf(0)]), [['1', '0'], []]);
  });

  it('says of all that are missed at once who they are, of five by name', () => {
    const read = createTestReader();
    const all = Array.from({ length: 8 }, (_, index) => readingOf(index));
    read(all);
    assert.deepEqual(read(all.slice(0, 6)), [
      ['0', '1', '2', '3', '4', '5'],
      ['device: GPU 6 (GPU-6), GPU 7 (GPU-7) are not there any more'],
    ]);
    const five = [1, 2, 3, 4, 5].map((index) => `GPU ${index} (GPU-${index})`).join(', ');
    assert.deepEqual(read(all.slice(0, 1)), [['0'], [`device: ${five} and 2 more are not there any more`]]);
  });

  it('forgets the first of very many GPUs', () => {
    const read = createTestReader();
    for (let nth = 0; nth < 300; nth++) read([readingOf(nth)]);
    const [, [message = '']] = read([readingOf(300)]) as [string[], string[]];
    assert.match(message, /^device: GPU 44 .* and 251 more are not there any more$/);
  });

  it('leaves out what has no UUID, and says why only once', () => {
    const read = createTestReader();
    const lost = new SampleError('device', 'GPU 2: [GPU is lost]');
    const readings = [readingOf(0), readingOf(1, { gpu: undefined }), readingOf(2, { gpu: undefined, faults: [lost] })];
    assert.deepEqual(read(readings), [['0'], ['device: GPU 1 has no UUID', 'device: GPU 2: [GPU is lost]']]);
  });

  it('says what else the program wrote', () => {
    const read = createTestReader();
    assert.deepEqual(read([readingOf(0)], new SampleError('malformed', 'wrote this')), [
      ['0'],
      ['malformed: wrote this'],
    ]);
  });

  it('fails when there is no GPU left', () => {
    const read = createTestReader();
    assert.throws(() => read([]), { reason: 'device', message: 'nvidia-smi reads no GPU' });
    assert.throws(() => read([readingOf(0, { missed: true })]), { reason: 'device' });
  });
});
