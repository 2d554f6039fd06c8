import type { Features, Prediction } from './classifier.ts';

/*
 * The bodies of the Open Inference Protocol for this one model: pure, nothing of HTTP.
 *
 * Source: https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md
 */

export const modelName = 'iris';
export const modelVersion = '1';

export const modelMetadata = {
  name: modelName,
  versions: [modelVersion],
  platform: 'softmax-regression',
  inputs: [{ name: 'features', datatype: 'FP64', shape: [-1, 4] }],
  outputs: [
    { name: 'label', datatype: 'BYTES', shape: [-1] },
    { name: 'class', datatype: 'INT64', shape: [-1] },
    { name: 'probabilities', datatype: 'FP64', shape: [-1, 3] },
  ],
};

export interface InferRequest {
  readonly id: string | undefined;
  readonly rows: readonly Features[];
  /** How long to wait before the answer, and between its two halves. */
  readonly delayMs: number;
  readonly holdMs: number;
  /** Whether to destroy the connection after the first half of the answer. */
  readonly die: boolean;
}

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string };

const waitMsMax = 60_000;

/** @param text the body of an infer request. */
export function parseInferRequest(text: string): Parsed<InferRequest> {
  const body = parseJson(text);
  if (body === undefined) return bad('the body is not valid JSON');
  if (!isObject(body)) return bad('the body must be a JSON object');
  const { id, inputs, parameters = {} } = body;
  if (id !== undefined && typeof id !== 'string') return bad('id must be a string');
  if (!isObject(parameters)) return bad('parameters must be an object');
  const { delay_ms: delayMs = 0, hold_ms: holdMs = 0, die = false } = parameters;
  if (!isWait(delayMs)) return bad('parameters.delay_ms must be a number of milliseconds, 0 or more');
  if (!isWait(holdMs)) return bad('parameters.hold_ms must be a number of milliseconds, 0 or more');
  if (typeof die !== 'boolean') return bad('parameters.die must be true or false');

  const rows = parseInputs(inputs);
  if (!rows.ok) return rows;
  return good({
    id,
    rows: rows.value,
    delayMs: Math.min(delayMs, waitMsMax),
    holdMs: Math.min(holdMs, waitMsMax),
    die,
  });
}

export function inferResponse(id: string | undefined, predictions: readonly Prediction[]): object {
  const n = predictions.length;
  return {
    model_name: modelName,
    model_version: modelVersion,
    id,
    outputs: [
      { name: 'label', shape: [n], datatype: 'BYTES', data: predictions.map(({ label }) => label) },
      { name: 'class', shape: [n], datatype: 'INT64', data: predictions.map(({ classIndex }) => classIndex) },
      {
        name: 'probabilities',
        shape: [n, 3],
        datatype: 'FP64',
        data: predictions.flatMap(({ probabilities }) => probabilities),
      },
    ],
  };
}

function parseInputs(inputs: unknown): Parsed<Features[]> {
  const input: unknown = Array.isArray(inputs) && inputs.length === 1 ? inputs[0] : undefined;
  if (!isObject(input) || input.name !== 'features') return bad('inputs must be one tensor named features');
  const { shape, datatype, data } = input;
  if (datatype !== 'FP32' && datatype !== 'FP64') return bad('the datatype of features must be FP32 or FP64');
  const n = rowsOf(shape);
  if (n === undefined) return bad('the shape of features must be [n, 4] with n of at least 1');
  if (!Array.isArray(data)) return bad('the data of features must be an array');

  const nested = data.length === n && data.every((row) => Array.isArray(row) && row.length === 4);
  const values: unknown[] = nested ? data.flat() : data;
  if (values.length !== n * 4) return bad(`the data of features must be ${n} times 4 numbers, flat or nested`);
  if (!values.every(isFp32)) return bad('the data of features must be finite numbers within the range of FP32');
  const numbers = datatype === 'FP32' ? values.map((value) => Math.fround(value)) : values;
  return good(Array.from({ length: n }, (_, row) => numbers.slice(row * 4, row * 4 + 4) as unknown as Features));
}

function rowsOf(shape: unknown): number | undefined {
  if (!Array.isArray(shape) || shape.length !== 2 || shape[1] !== 4) return undefined;
  const n: unknown = shape[0];
  return typeof n === 'number' && Number.isSafeInteger(n) && n > 0 ? n : undefined;
}

function isFp32(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(Math.fround(value));
}

function isWait(value: unknown): value is number {
  return typeof value === 'number' && value >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `undefined`, which JSON cannot say, for what is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function good<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

function bad(error: string): { readonly ok: false; readonly error: string } {
  return { ok: false, error };
}
