/** What is asked of the upstream, and so of everybody. */
export const paths = {
  small: '/v2/models/iris/infer',
  large: '/v2/models/large/infer',
  stream: '/v2/models/stream/infer',
} as const;

export type Path = keyof typeof paths;

/** An inference request of the Open Inference Protocol with one row. */
export const REQUEST = Buffer.from(
  JSON.stringify({
    id: '7f3c2c1e',
    inputs: [{ name: 'input-0', shape: [1, 4], datatype: 'FP64', data: [5.1, 3.5, 1.4, 0.2] }],
    outputs: [{ name: 'predict' }],
  }),
);

/** Its answer. */
export const ANSWER = Buffer.from(
  JSON.stringify({
    model_name: 'iris',
    model_version: '3',
    id: '7f3c2c1e',
    parameters: { content_type: 'np' },
    outputs: [{ name: 'predict', shape: [1, 1], datatype: 'INT64', parameters: { content_type: 'np' }, data: [0] }],
  }),
);

/** A request and an answer of one byte over and over. */
export const LARGE_BYTE = 'x';
export const LARGE_BYTES = 1 << 20;
export const LARGE_BODY = Buffer.alloc(LARGE_BYTES, LARGE_BYTE);

/** Answered to a small request. */
export const CHUNKS = 200;
export const CHUNK = Buffer.from('data: {"choices":[{"index":0,"delta":{"content":" token"}}]}\n\n');

/** Bodies as they are on the way out and back. */
export const bodies: Readonly<Record<Path, { readonly request: Buffer; readonly answer: Buffer }>> = {
  small: { request: REQUEST, answer: ANSWER },
  large: { request: LARGE_BODY, answer: LARGE_BODY },
  stream: { request: REQUEST, answer: Buffer.concat(Array<Buffer>(CHUNKS).fill(CHUNK)) },
};
