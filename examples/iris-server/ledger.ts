import { modelName, modelVersion } from './protocol.ts';

/**
 * What became of an infer request: a 2xx answer handed over to the end; a 4xx or 5xx answer; the connection gone, or the
 * request's body cut off, before that; cut off by the request's own `die`.
 */
export type InferResult = 'success' | 'failure' | 'aborted' | 'died';

export type InferCounts = Readonly<Record<InferResult, number>>;

/** Counts every infer request once, when its result is known, and what the model did. */
export interface Ledger {
  executed(rows: number): void;
  /** @param toModel whether the request named the model and version that is served. */
  settled(result: InferResult, options: { durationMs: number; toModel: boolean }): void;
  /** Requests for any model. */
  counts(): InferCounts;
  /** Requests for the served model, in the shape of Triton's statistics extension; `aborted` and `died` are additions. */
  stats(): object;
}

export function createLedger(): Ledger {
  const counts = { success: 0, failure: 0, aborted: 0, died: 0 };
  const ofModel = {
    success: { count: 0, ns: 0 },
    failure: { count: 0, ns: 0 },
    aborted: { count: 0, ns: 0 },
    died: { count: 0, ns: 0 },
  };
  let inferences = 0;
  let executions = 0;

  return {
    executed: (rows) => {
      inferences += rows;
      executions += 1;
    },
    settled: (result, { durationMs, toModel }) => {
      counts[result] += 1;
      if (!toModel) return;
      ofModel[result].count += 1;
      ofModel[result].ns += Math.round(durationMs * 1e6);
    },
    counts: () => ({ ...counts }),
    stats: () => {
      const { success, failure, aborted, died } = ofModel;
      return {
        model_stats: [
          {
            name: modelName,
            version: modelVersion,
            inference_count: inferences,
            execution_count: executions,
            inference_stats: { success, fail: failure, aborted, died },
          },
        ],
      };
    },
  };
}
