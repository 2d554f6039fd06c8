import model from './model.json' with { type: 'json' };

/** A softmax regression over standardised features: `p = softmax(W · (x - means) / stds + b)`. */
export interface SoftmaxRegression {
  /** The class that each row of `weights` and each bias belongs to. */
  readonly classes: readonly string[];
  /** Of the training rows, one per feature, in cm. */
  readonly means: readonly number[];
  readonly stds: readonly number[];
  /** classes × features, on standardised features. */
  readonly weights: readonly (readonly number[])[];
  readonly biases: readonly number[];
}

export interface IrisModel extends SoftmaxRegression {
  /** Share of rows classified correctly, 0-1. */
  readonly accuracy: { readonly train: number; readonly test: number };
}

export interface Prediction {
  /** Index into the model's classes. */
  readonly classIndex: number;
  readonly label: string;
  /** One per class, adding up to 1. */
  readonly probabilities: readonly number[];
}

/** Sepal length, sepal width, petal length and petal width in cm. */
export type Features = readonly [number, number, number, number];

/** What `train.ts` found; see its `accuracy`. */
export const irisModel: IrisModel = model;

/** @param features finite numbers within the range of FP32: far beyond that the scores overflow. */
export function predict(features: Features, model: SoftmaxRegression = irisModel): Prediction {
  const { classes, means, stds, weights, biases } = model;
  const inputs = features.map((value, i) => (value - (means[i] ?? 0)) / (stds[i] ?? 1));
  const scores = weights.map((row, c) =>
    row.reduce((score, weight, i) => score + weight * (inputs[i] ?? 0), biases[c] ?? 0),
  );
  const probabilities = softmax(scores);
  const classIndex = probabilities.indexOf(Math.max(...probabilities));
  return { classIndex, label: classes[classIndex] ?? '', probabilities };
}

/** Scores of any finite size: the largest is taken off first, so that no exponential overflows. */
export function softmax(scores: readonly number[]): number[] {
  const largest = Math.max(...scores);
  const exponentials = scores.map((score) => Math.exp(score - largest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}
