import type { Attributes } from '@opentelemetry/api';
import type { BindableHistogram, BoundCounter, BoundRecorder } from '../../instruments/index.ts';
import type { Instruments } from '../../telemetry/instruments.ts';
import { outcomes, type Outcome } from './outcome.ts';
import type { UpstreamOptions } from './upstreams.ts';

/** The `inference.*` series of one model of one upstream. */
export interface ModelSeries {
  readonly active: BoundCounter;
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
  /** Makes a model known. @returns false if there are too many already, or the name is too long to be a label. */
  admit(upstream: string, model: string, version: string | undefined): boolean;
  /** The series of requests that were refused before an upstream was known. */
  readonly unrouted: ModelSeries;
}

export interface KnownModelsOptions {
  readonly instruments: Instruments;
  readonly upstreams: readonly UpstreamOptions[];
  /** Pairs of model and version, over all upstreams. */
  readonly knownModelsMax: number;
}

const OTHER = '_other';
/** Longer names are never labels: no model repository has them, and 1,000 long ones would be a burden for every scrape. */
const NAME_LENGTH_MAX = 256;

/** All four outcomes of a known model are there at 0 from the start, so that its first error can alert. */
export function createKnownModels({ instruments, upstreams, knownModelsMax }: KnownModelsOptions): KnownModels {
  const perUpstream = new Map<
    string,
    { options: UpstreamOptions; other: ModelSeries; models: Map<string, ModelSeries> }
  >();
  let known = 0;

  const create = ({ name, protocol, labels }: UpstreamOptions, model: string, version?: string): ModelSeries =>
    createModelSeries(instruments, {
      ...labels,
      'inference.upstream.name': name,
      'inference.protocol': protocol.name,
      'inference.model.name': model,
      ...(version === undefined ? {} : { 'inference.model.version': version }),
    });

  const admit = (upstream: string, model: string, version: string | undefined): boolean => {
    const entry = perUpstream.get(upstream);
    if (entry === undefined || entry.models.has(keyOf(model, version))) return true;
    if (known >= knownModelsMax || model.length + (version?.length ?? 0) > NAME_LENGTH_MAX) return false;
    entry.models.set(keyOf(model, version), create(entry.options, model, version));
    known++;
    return true;
  };

  for (const options of upstreams) {
    if (!options.protocol.routes.some(({ inference }) => inference)) continue;
    perUpstream.set(options.name, { options, other: create(options, OTHER), models: new Map() });
    for (const { name, version } of options.models) admit(options.name, name, version);
  }
  const unrouted = createModelSeries(instruments, { 'inference.model.name': OTHER });

  return {
    admit,
    unrouted,
    find: (upstream, model, version) => {
      const entry = perUpstream.get(upstream);
      if (entry === undefined) return unrouted;
      if (model === undefined) return entry.other;
      return entry.models.get(keyOf(model, version)) ?? entry.other;
    },
  };
}

function createModelSeries(instruments: Instruments, attributes: Attributes): ModelSeries {
  const counter = instruments.counter('inference.requests');
  const histogram = instruments.histogram('inference.request.duration');
  const requests = Object.fromEntries(
    outcomes.map((outcome) => [outcome, counter.bind({ ...attributes, 'inference.outcome': outcome })]),
  ) as Record<Outcome, BoundCounter>;
  for (const outcome of outcomes) requests[outcome].add(0);

  return {
    requests,
    active: instruments.counter('inference.active_requests').bind(attributes),
    duration: bindLazily(histogram, attributes),
  };
}

function bindLazily(histogram: BindableHistogram, attributes: Attributes): ModelSeries['duration'] {
  const bound = new Map<string, BoundRecorder>();
  return (outcome, errorType) => {
    const key = `${outcome} ${errorType ?? ''}`;
    let series = bound.get(key);
    if (series === undefined) {
      const error = errorType === undefined ? {} : { 'error.type': errorType };
      series = histogram.bind({ ...attributes, 'inference.outcome': outcome, ...error });
      bound.set(key, series);
    }
    return series;
  };
}

/** A decoded name may hold any character, so no separator alone would tell model and version apart. */
function keyOf(model: string, version = ''): string {
  return `${model.length}:${model}${version}`;
}
