import { json } from './exchange.ts';
import { iris, letters } from './mlserver-load.ts';
import type { SameCase } from './same-answers.ts';

/** Of the time at which it was compressed, in the head of what is gzipped. */
const TIME = { from: 4, to: 8 };

/** With a worker, what goes wrong in there is told like any other error. */
export const answers = {
  'a prediction': { ...iris(), status: 200 },
  'a prediction of a version': { ...iris(), path: '/v2/models/iris/versions/v1/infer', status: 200 },
  'two outputs': { ...iris(undefined, { outputs: [{ name: 'predict' }, { name: 'predict_proba' }] }), status: 200 },
  'a body without a length': {
    ...{ ...iris(), headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }, status: 200 },
  },
  'bytes beyond ASCII': { ...letters('größer als 🌸'), status: 200 },
  'an error of the model': { ...letters('!'), status: 500 },
  'an error of the runtime': { ...iris([5.1]), status: 500 },
  'a request that the runtime refuses': { ...iris(undefined, { outputs: [{ name: 'colour' }] }), status: 400 },
  'a body that is no JSON': { ...iris(), body: '{', status: 422 },
  'a body of another type': { ...iris(), headers: { 'content-type': 'text/plain' }, body: 'hello', status: 422 },
  'no body at all': { method: 'POST', path: '/v2/models/iris/infer', status: 422 },
  'an unknown model': { ...iris(), path: '/v2/models/nobody/infer', status: 404 },
  'an unknown version': { ...iris(), path: '/v2/models/iris/versions/v9/infer', status: 404 },
  'a name that is encoded': { ...iris(), path: '/v2/models/n%C3%B6body%20%2F/infer', status: 404 },
  'an empty name': { ...iris(), path: '/v2/models//infer', status: 404 },
  'an unknown path': { path: '/nothing?a=b', status: 404 },
  'another method': { path: '/v2/models/iris/infer', status: 405 },
  'a preflight': {
    ...{ method: 'OPTIONS', path: '/v2/models/iris/infer', status: 405 },
    headers: { origin: 'http://elsewhere', 'access-control-request-method': 'POST' },
  },
  HEAD: { method: 'HEAD', path: '/v2/models/iris', status: 405 },
  'a redirection': { path: '/v2/models/iris/', status: 307 },
  'the metadata of the server': { path: '/v2', status: 200 },
  'the metadata of a model': { path: '/v2/models/iris/versions/v2', status: 200 },
  liveness: { path: '/v2/health/live', status: 200 },
  readiness: { path: '/v2/health/ready', status: 200 },
  'readiness of a model': { path: '/v2/models/letters/ready', status: 200 },
  'the repository': { path: '/v2/repository/index', ...json({ ready: true }), status: 200 },
  'a page of documentation': { path: '/v2/models/iris/docs', status: 200 },
  'a large document': { path: '/v2/docs/dataplane.json', status: 200 },
  'a document that is compressed': {
    ...{ path: '/v2/models/iris/docs/dataplane.json', headers: { 'accept-encoding': 'gzip' }, status: 200 },
    varies: {
      why: 'it is compressed for each request, and the time is part of it',
      body: (body) => Buffer.concat([body.subarray(0, TIME.from), body.subarray(TIME.to)]),
    },
  },
} satisfies Record<string, SameCase>;

/** Without workers. */
export const workerlessAnswers = {
  ...answers,
  'an error of the model': { ...answers['an error of the model'], drops: true },
  'an error of the runtime': { ...answers['an error of the runtime'], drops: true },
  'a stream': { ...letters('abc', 'generate_stream'), status: 200 },
  'a stream under its other name': { ...letters('abc', 'infer_stream'), status: 200 },
  'a stream that breaks off': { ...letters('ab!', 'generate_stream'), status: 200, cutOff: true },
  'a stream that fails at once': { ...letters('!', 'generate_stream'), status: 500, drops: true },
} satisfies Record<string, SameCase>;
