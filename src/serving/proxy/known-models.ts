import type { Attributes } from '@opentelemetry/api';
import type { BindableHistogram, BoundCounter, BoundRecorder } from '../../instruments/index.ts';
import type { Instruments } from '../../telemetry/instruments.ts';
import type { Recognition } from '../protocols/protocol.ts';
import type { HeaderValues } from './header-attributes.ts';
import { outcomes, type Outcome } from './outcome.ts';
import type { Upstream, UpstreamOptions } from './upstreams.ts';

/** The `inference.*` series of one model of one upstream. */
export interface ModelSeries {
  /** As the attributes have it. */
  readonly model: string;
  readonly version: string | undefined;
  readonly active: BoundCounter;
  readonly queueSize: BoundCounter;
  readonly queueDuration: BoundRecorder;
  /** The series of how requests end, for the attributes that their headers give them. */
  ended(values: HeaderValues): EndedSeries;
}

export interface EndedSeries {
  readonly requests: Readonly<Record<Outcome, BoundCounter>>;
  /** @param errorType from a closed set: one of ours, or a status code. */
  duration(outcome: Outcome, errorType: string | undefined): BoundRecorder;
}

/**
 * Which models have series of their own. A stranger can ask for any name, so a model is known only when it is configured or the
 * upstream has answered 2xx about it, and then only up to a number of models; all others share the series of `_other`.
 */
export interface KnownModels {
  /** The series of a model, or of `_other`. */
  find(upstream: string, model: string | undefined, version: string | undefined): ModelSeries;
  /** The series of the model that a request is about. */
  of(request: { readonly upstream: Upstream | undefined; readonly recognition: Recognition | undefined }): ModelSeries;
  /** Makes a model known. @returns false if there are too many already, or the name is too long to be a label. */
  admit(upstream: string, model: string, version: string | undefined): boolean;
  /** The series of requests that were refused before an upstream was known. */
  readonly unrouted: ModelSeries;
}

export interface KnownModelsOptions {
  readonly instruments: Instruments;
  readonly upstreams: readonly Pick<UpstreamOptions, 'name' | 'protocol' | 'labels' | 'models'>[];
  /** Pairs of model and version, over all upstreams. */
  readonly knownModelsMax: number;
}

const OTHER = '_other';
/** Longer names are never labels: no model repository has them, and 1,000 long ones would be a burden for every scrape. */
const NAME_LENGTH_MAX = 256;
/** Combinations of header values for which bound series are kept, over one model; what is beyond is looked up each time. */
const COMBINATIONS_MAX = 1_000;

/** All four outcomes of a known model are there at 0 from the start, so that its first error can alert. */
export function createKnownModels({ instruments, upstreams, knownModelsMax }: KnownModelsOptions): KnownModels {
  const perUpstream = new Map<string, UpstreamModels>();
  let known = 0;

  const admit = (upstream: string, model: string, version: string | undefined): boolean => {
    const entry = perUpstream.get(upstream);
    if (entry === undefined || entry.find(model, version)) return true;
    if (known >= knownModelsMax || model.length + (version?.length ?? 0) > NAME_LENGTH_MAX) return false;
    entry.add(model, version);
    known++;
    return true;
  };

  for (const options of upstreams) {
    if (!options.protocol.routes.some(({ inference }) => inference)) continue;
    perUpstream.set(options.name, createUpstreamModels(instruments, options));
    for (const { name, version } of options.models) admit(options.name, name, version);
  }
  const unrouted = createModelSeries(instruments, {}, OTHER);

  const find: KnownModels['find'] = (upstream, model, version) => {
    const entry = perUpstream.get(upstream);
    if (entry === undefined) return unrouted;
    return (model === undefined ? undefined : entry.find(model, version)) ?? entry.other;
  };

  return {
    admit,
    unrouted,
    find,
    of: ({ upstream, recognition }) =>
      upstream === undefined ? unrouted : find(upstream.options.name, recognition?.model, recognition?.version),
  };
}

interface UpstreamModels {
  readonly other: ModelSeries;
  find(model: string, version: string | undefined): ModelSeries | undefined;
  add(model: string, version: string | undefined): void;
}

function createUpstreamModels(
  instruments: Instruments,
  { name, protocol, labels }: KnownModelsOptions['upstreams'][number],
): UpstreamModels {
  const attributes = { ...labels, 'inference.upstream.name': name, 'inference.protocol': protocol.name };
  /** By name, then by version. */
  const models = new Map<string, Map<string | undefined, ModelSeries>>();
  const create = (model: string, version?: string): ModelSeries => {
    const series = createModelSeries(instruments, attributes, model, version);
    // There from the start, like the outcomes: who adds them up finds both.
    series.active.add(0);
    series.queueSize.add(0);
    return series;
  };
  return {
    other: create(OTHER),
    find: (model, version) => models.get(model)?.get(version),
    add: (model, version) => {
      const versions = models.get(model) ?? new Map<string | undefined, ModelSeries>();
      models.set(model, versions.set(version, create(model, version)));
    },
  };
}

function createModelSeries(
  instruments: Instruments,
  upstream: Attributes,
  model: string,
  version?: string,
): ModelSeries {
  const attributes = {
    ...upstream,
    'inference.model.name': model,
    ...(version === undefined ? {} : { 'inference.model.version': version }),
  };
  const plain = createEndedSeries(instruments, attributes);
  const combinations = new Map<string, EndedSeries>();
  return {
    model,
    version,
    active: instruments.counter('inference.active_requests').bind(attributes),
    queueSize: instruments.counter('inference.queue.size').bind(attributes),
    queueDuration: instruments.histogram('inference.queue.duration').bind(attributes),
    ended: ({ key, attributes: more }) => {
      if (key === '') return plain;
      let series = combinations.get(key);
      if (series === undefined) {
        series = createEndedSeries(instruments, { ...attributes, ...more });
        if (combinations.size < COMBINATIONS_MAX) combinations.set(key, series);
      }
      return series;
    },
  };
}

function createEndedSeries(instruments: Instruments, attributes: Attributes): EndedSeries {
  const counter = instruments.counter('inference.requests');
  const histogram = instruments.histogram('inference.request.duration');
  const requests = Object.fromEntries(
    outcomes.map((outcome) => [outcome, counter.bind({ ...attributes, 'inference.outcome': outcome })]),
  ) as Record<Outcome, BoundCounter>;
  for (const outcome of outcomes) requests[outcome].add(0);
  return { requests, duration: bindLazily(histogram, attributes) };
}

function bindLazily(histogram: BindableHistogram, attributes: Attributes): EndedSeries['duration'] {
  const bound = Object.fromEntries(outcomes.map((outcome) => [outcome, new Map()])) as Record<
    Outcome,
    Map<string | undefined, BoundRecorder>
  >;
  return (outcome, errorType) => {
    let series = bound[outcome].get(errorType);
    if (series === undefined) {
      const error = errorType === undefined ? {} : { 'error.type': errorType };
      series = histogram.bind({ ...attributes, 'inference.outcome': outcome, ...error });
      bound[outcome].set(errorType, series);
    }
    return series;
  };
}
