import type { Gpu } from '../gpu.ts';
import type { SampleError } from '../../observable.ts';
import type { Row } from './row.ts';

/** The last row of each GPU, in the order of their indexes. */
export interface Rounds {
  /** @returns false when there are too many GPUs. */
  add(row: Row): boolean;
  readings(): RowReading[];
  /** Since the last row, or since there could be one. */
  silentMs(): number;
}

export interface RowReading {
  /** For people: its index, and its UUID as far as it is known. */
  readonly who: string;
  /** Undefined as long as it has no UUID. */
  readonly gpu: Gpu | undefined;
  readonly faults: readonly SampleError[];
  readonly ageMs: number;
  /** Whether a whole round has come without it. */
  readonly missed: boolean;
}

interface Kept {
  readonly index: number;
  readonly who: string;
  readonly gpu: Gpu | undefined;
  readonly faults: readonly SampleError[];
  readonly atMs: number;
  readonly round: number;
}

const GPUS_MAX = 256;

/**
 * Rows come in rounds over all GPUs. Nothing in the format ends one: the next begins when a GPU comes again. A GPU that is lost may
 * not say its UUID any more, but its index stays what it was while the program runs.
 *
 * @param onRound once in each round, when all GPUs have come: as many as `count` says, or one again.
 */
export function createRounds(onRound: () => void): Rounds {
  let kept: Kept[] = [];
  let round = 0;
  let rowsInRound = 0;
  let isOver = false;
  let lastRowMs = performance.now();

  const over = (): void => {
    if (isOver) return;
    isOver = true;
    onRound();
  };

  return {
    add: (row) => {
      const index = Number(row.index);
      const at = kept.findIndex((one) => one.index === index);
      const before = kept[at];
      if (before === undefined && kept.length >= GPUS_MAX) return false;
      if (before?.round === round) {
        over();
        round++;
        rowsInRound = 0;
        isOver = false;
      }
      lastRowMs = performance.now();
      const uuid = row.uuid ?? before?.gpu?.id;
      const isNew = before === undefined || before.gpu?.id !== uuid;
      const now: Kept = {
        index,
        who: isNew ? `GPU ${index}${uuid === undefined ? '' : ` (${uuid})`}` : before.who,
        gpu: uuid === undefined ? undefined : { id: uuid, ...row.gpu },
        faults: row.faults,
        atMs: lastRowMs,
        round,
      };
      if (before === undefined) kept = [...kept, now].sort((a, b) => a.index - b.index);
      else kept[at] = now;
      rowsInRound++;
      if (row.count !== undefined && rowsInRound >= row.count) over();
      return true;
    },
    readings: () => {
      const nowMs = performance.now();
      return kept.map(({ who, gpu, faults, atMs, round: last }) => ({
        who,
        gpu,
        faults,
        ageMs: nowMs - atMs,
        missed: round - last > 1,
      }));
    },
    silentMs: () => performance.now() - lastRowMs,
  };
}
