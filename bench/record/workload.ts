import type { TimedCase } from '../case.ts';

/** The attributes of one series. A type and not an interface, so that it is one of the peers' records, too. */
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions
export type Labels = { readonly model: string; readonly version: string; readonly outcome: string };

export const LABEL_NAMES = ['model', 'version', 'outcome'] as const;

/** Seconds. */
export const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** A power of two, and more than a branch predictor learns by heart: of 4,096 it knows all, and histograms look twice as quick. */
const VALUES = 65_536;

export const hundredSeries = labelsOf({ models: 10, versions: 5, outcomes: 2 });

/** What counters are added to: small whole numbers, as of tokens. */
export const increments = valuesOf((random) => 1 + Math.floor(random() * 16));

/** What histograms record: seconds, log-normal about 50 ms, so that every bucket is hit, most often the middle ones. */
export const durations = valuesOf((random) => 0.05 * Math.exp(1.5 * gaussian(random)));

export function labelsOf(counts: { models: number; versions: number; outcomes: number }): Labels[] {
  // The strings are made once: whoever keeps them keeps the same ones.
  const models = named('model', counts.models);
  const versions = named('version', counts.versions);
  const outcomes = named('outcome', counts.outcomes);
  return models.flatMap((model) =>
    versions.flatMap((version) => outcomes.map((outcome) => ({ model, version, outcome }))),
  );
}

/** What a caller writes who makes the object for each measurement. */
export function freshOf({ model, version, outcome }: Labels): Labels {
  return { model, version, outcome };
}

/** Goes over the subjects in order, each time with the next value, so that all contenders do the same in the same order. */
export function overSeries<S>(
  subjects: readonly S[],
  values: readonly number[],
  operation: (subject: S, value: number) => void,
): TimedCase {
  return {
    run: (operations) => {
      let done = 0;
      while (done < operations) for (const subject of subjects) operation(subject, values[done++ & (VALUES - 1)] ?? 0);
      return done;
    },
  };
}

function named(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
}

function valuesOf(next: (random: () => number) => number): number[] {
  const random = createRandom();
  return Array.from({ length: VALUES }, () => next(random));
}

/** The same numbers in every process. Source: mulberry32, Tommy Ettinger, public domain. */
function createRandom(): () => number {
  let state = 1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Source: Box and Muller, "A Note on the Generation of Random Normal Deviates", 1958. */
function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
