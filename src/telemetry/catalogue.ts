/**
 * The one list of every instrument: what it is called, counts and carries. `docs/metrics.md`, the dashboard and the dialects
 * are checked against it by tests. Names are those of the OpenTelemetry semantic conventions where one exists
 * (https://opentelemetry.io/docs/specs/semconv/); the rest is `inference.*` (model serving) and `metergate.*` (the gateway itself).
 */
export type InstrumentKind =
  | 'counter'
  | 'up_down_counter'
  | 'gauge'
  | 'histogram'
  | 'observable_counter'
  | 'observable_up_down_counter'
  | 'observable_gauge';

export interface InstrumentDefinition {
  readonly kind: InstrumentKind;
  /** UCUM. */
  readonly unit: string;
  readonly description: string;
  /** Attribute keys that a series may carry, besides the `labels` that the configuration gives to an upstream. */
  readonly attributes: readonly string[];
  /** Histograms only: upper bounds, in the unit of the instrument. */
  readonly bounds?: readonly number[];
  /** `stable` = named so by the semantic conventions; `development` = may still be renamed by them or by us. */
  readonly stability: 'stable' | 'development';
}

/** The bounds that the HTTP semantic conventions advise, seconds. */
const HTTP_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const;
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

export const catalogue = {
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
  'system.cpu.time': {
    kind: 'observable_counter',
    unit: 's',
    description: 'Time that the logical CPUs of the host spent in each mode',
    attributes: ['cpu.mode'],
    stability: 'development',
  },
  'system.cpu.utilization': {
    kind: 'observable_gauge',
    unit: '1',
    description: 'Share of the time of all logical CPUs in each mode since the last sample',
    attributes: ['cpu.mode'],
    stability: 'development',
  },
  'system.cpu.logical.count': {
    kind: 'observable_up_down_counter',
    unit: '{cpu}',
    description: 'Logical CPUs of the host',
    attributes: [],
    stability: 'development',
  },
  'system.memory.usage': {
    kind: 'observable_up_down_counter',
    unit: 'By',
    description: 'Memory of the host by state; the states add up to the limit',
    attributes: ['system.memory.state'],
    stability: 'development',
  },
  'system.memory.limit': {
    kind: 'observable_up_down_counter',
    unit: 'By',
    description: 'Memory that the host has',
    attributes: [],
    stability: 'development',
  },
  'system.memory.utilization': {
    kind: 'observable_gauge',
    unit: '1',
    description: 'Share of the memory of the host in each state',
    attributes: ['system.memory.state'],
    stability: 'development',
  },
  'system.linux.memory.available': {
    kind: 'observable_up_down_counter',
    unit: 'By',
    description: 'Memory that a new program could get without swapping, as the kernel estimates it',
    attributes: [],
    stability: 'development',
  },
  'system.paging.usage': {
    kind: 'observable_up_down_counter',
    unit: 'By',
    description: 'Swap space by state',
    attributes: ['system.paging.state'],
    stability: 'development',
  },
  'process.cpu.time': {
    kind: 'observable_counter',
    unit: 's',
    description: 'CPU time of the gateway process',
    attributes: ['cpu.mode'],
    stability: 'development',
  },
  'process.cpu.utilization': {
    kind: 'observable_gauge',
    unit: '1',
    description: 'CPU time of the gateway process since the last sample, as a share of all logical CPUs',
    attributes: ['cpu.mode'],
    stability: 'development',
  },
  'process.memory.usage': {
    kind: 'observable_up_down_counter',
    unit: 'By',
    description: 'Physical memory of the gateway process (resident set size)',
    attributes: [],
    stability: 'development',
  },
  'process.uptime': {
    kind: 'observable_gauge',
    unit: 's',
    description: 'Time since the gateway process started',
    attributes: [],
    stability: 'development',
  },
  'metergate.build_info': {
    kind: 'observable_gauge',
    unit: '',
    description: 'Always 1; says which gateway runs, and on which Node.js',
    attributes: ['service.version', 'process.runtime.version'],
    stability: 'development',
  },
  'metergate.answers.timed_out': {
    kind: 'counter',
    unit: '{answer}',
    description: 'Answers that were cut off because their reader had taken two minutes',
    attributes: ['metergate.listener'],
    stability: 'development',
  },
  'metergate.connections.rejected': {
    kind: 'counter',
    unit: '{connection}',
    description: 'Connections closed at once because a listener had limits.connections of them',
    attributes: ['metergate.listener'],
    stability: 'development',
  },
  'metergate.serving.models.overflow': {
    kind: 'counter',
    unit: '{response}',
    description:
      'Successful responses about a model that stays _other because limits.known_models models are known or its name is too long',
    attributes: ['inference.upstream.name'],
    stability: 'development',
  },
  'metergate.serving.header_values.overflow': {
    kind: 'counter',
    unit: '{response}',
    description:
      'Successful responses to requests with a header value that stays _other because its attribute has max_values of them or it is too long',
    attributes: ['metergate.attribute.key'],
    stability: 'development',
  },
  'metergate.serving.replica.failures': {
    kind: 'counter',
    unit: '{failure}',
    description: 'Times that a replica of an upstream became unhealthy',
    attributes: ['inference.upstream.name', 'server.address', 'server.port'],
    stability: 'development',
  },
  'metergate.serving.requests.retried': {
    kind: 'counter',
    unit: '{request}',
    description: 'Requests that were sent to a second replica because there was no connection to the first one',
    attributes: ['inference.upstream.name'],
    stability: 'development',
  },
  'metergate.access_log.lines.dropped': {
    kind: 'counter',
    unit: '{line}',
    description: 'Lines of the access log that were not written because it took them too slowly or not at all',
    attributes: [],
    stability: 'development',
  },
  'metergate.serving.measurement.errors': {
    kind: 'counter',
    unit: '{error}',
    description: 'Requests that were served but could not be measured',
    attributes: [],
    stability: 'development',
  },
  'metergate.cardinality.overflow': {
    kind: 'observable_counter',
    unit: '{measurement}',
    description:
      'Measurements beyond the cardinality limit of an instrument, by the attribute key that had the most values; engine native only',
    attributes: ['metergate.instrument', 'metergate.attribute.key'],
    stability: 'development',
  },
  'metergate.measurements.refused': {
    kind: 'observable_counter',
    unit: '{measurement}',
    description: 'Measurements left out because no series could take their value; engine native only',
    attributes: ['metergate.instrument', 'metergate.reason'],
    stability: 'development',
  },
  'metergate.custom_metrics.refused': {
    kind: 'counter',
    unit: '{measurement}',
    description: 'Measurements logged under a name that could not become a custom metric',
    attributes: ['metergate.reason'],
    stability: 'development',
  },
  'metergate.observable.errors': {
    kind: 'counter',
    unit: '{error}',
    description: 'Samples of an observable that failed; its readings are absent until one succeeds',
    attributes: ['metergate.observable'],
    stability: 'development',
  },
  'metergate.observable.sample.duration': {
    kind: 'observable_gauge',
    unit: 's',
    description: 'Time that the last sample of an observable took',
    attributes: ['metergate.observable'],
    stability: 'development',
  },
  'metergate.scrape.source.errors': {
    kind: 'counter',
    unit: '{error}',
    description: 'Errors of single callbacks and sources while a collection ran; the rest of it was kept',
    attributes: ['metergate.consumer', 'metergate.source'],
    stability: 'development',
  },
  'metergate.pull.scrape.errors': {
    kind: 'counter',
    unit: '{scrape}',
    description: 'Scrapes that were answered with an error, or cut off, because the collection or its page failed',
    attributes: [],
    stability: 'development',
  },
  'metergate.pull.scrapes.rejected': {
    kind: 'counter',
    unit: '{scrape}',
    description: 'Scrapes that were answered 503 because limits.scrapes_in_flight others were being answered',
    attributes: [],
    stability: 'development',
  },
  'metergate.pull.families.dropped': {
    kind: 'counter',
    unit: '{family}',
    description: 'Metric families, or some series of them, left out of a scrape',
    attributes: ['metergate.reason'],
    stability: 'development',
  },
  'metergate.push.points.sent': {
    kind: 'counter',
    unit: '{point}',
    description: 'Data points of exports that a destination accepted; what it rejects of one is only logged',
    attributes: ['metergate.destination'],
    stability: 'development',
  },
  'metergate.push.points.send_failed': {
    kind: 'counter',
    unit: '{point}',
    description: 'Data points whose export failed; with cumulative temporality the next export makes up for them',
    attributes: ['metergate.destination'],
    stability: 'development',
  },
  'metergate.push.export.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'Time that an export took, its collection included, by whether it was sent or failed',
    attributes: ['metergate.destination', 'metergate.push.outcome'],
    bounds: HTTP_SECONDS,
    stability: 'development',
  },
} as const satisfies Record<string, InstrumentDefinition>;

export type InstrumentName = keyof typeof catalogue;
