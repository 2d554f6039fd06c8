import { HTTP_SECONDS, type InstrumentDefinition } from './definition.ts';

/** A millisecond (a linear model) to two minutes (a long generation), seconds. */
const INFERENCE_SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120,
] as const;
/** 256 B to 64 MiB in steps of four. */
const BODY_BYTES = [256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864] as const;

const HTTP_SERVER = [
  'http.request.method',
  'http.response.status_code',
  'http.route',
  'url.scheme',
  'error.type',
  'inference.upstream.name',
] as const;

/** What names an inference request: where it went and the model it asked for. */
const INFERENCE = [
  'inference.upstream.name',
  'inference.protocol',
  'inference.model.name',
  'inference.model.version',
] as const;

/** Requests: HTTP, and inference. */
export const serving = {
  'http.server.request.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'Duration of HTTP requests, from the head of the request to the end of the response',
    attributes: HTTP_SERVER,
    bounds: HTTP_SECONDS,
    stability: 'stable',
  },
  'http.server.active_requests': {
    kind: 'up_down_counter',
    unit: '{request}',
    description: 'HTTP requests in flight',
    attributes: ['http.request.method', 'url.scheme'],
    stability: 'development',
  },
  'http.server.request.body.size': {
    kind: 'histogram',
    unit: 'By',
    description: 'Size of the request bodies as read from the downstream',
    attributes: HTTP_SERVER,
    bounds: BODY_BYTES,
    stability: 'development',
  },
  'http.server.response.body.size': {
    kind: 'histogram',
    unit: 'By',
    description: 'Size of the response bodies as handed to the downstream connection',
    attributes: HTTP_SERVER,
    bounds: BODY_BYTES,
    stability: 'development',
  },
  'inference.requests': {
    kind: 'counter',
    unit: '{request}',
    description: 'Inference requests, each counted once when it is over, by outcome',
    attributes: [...INFERENCE, 'inference.outcome'],
    stability: 'development',
  },
  'inference.request.duration': {
    kind: 'histogram',
    unit: 's',
    description:
      'Duration of inference requests that reached an upstream, from the head of the request to the end of the response',
    attributes: [...INFERENCE, 'inference.outcome', 'error.type'],
    bounds: INFERENCE_SECONDS,
    stability: 'development',
  },
  'inference.active_requests': {
    kind: 'up_down_counter',
    unit: '{request}',
    description: 'Inference requests in flight to an upstream',
    attributes: INFERENCE,
    stability: 'development',
  },
  'inference.queue.size': {
    kind: 'up_down_counter',
    unit: '{request}',
    description: 'Inference requests that wait for a place at their upstream, whose requests_in_flight are there',
    attributes: INFERENCE,
    stability: 'development',
  },
  'inference.queue.duration': {
    kind: 'histogram',
    unit: 's',
    description:
      'Time that inference requests waited for a place at their upstream, 0 for those that had one at once, whether or not they got one',
    attributes: INFERENCE,
    bounds: INFERENCE_SECONDS,
    stability: 'development',
  },
  'inference.upstream.healthy': {
    kind: 'observable_gauge',
    unit: '{replica}',
    description:
      'Whether a replica of an upstream is believed to be well (1) or not (0), by its checks and its requests',
    attributes: ['inference.upstream.name', 'server.address', 'server.port'],
    stability: 'development',
  },
} as const satisfies Record<string, InstrumentDefinition>;
