import type { InstrumentName } from '../telemetry/catalogue.ts';
import type { TelemetryOptions } from '../telemetry/index.ts';
import type { HistogramName } from '../telemetry/instruments.ts';
import type { BoundsOverride } from '../telemetry/shown-bounds.ts';
import type { BoundsConfig, Config, UpstreamConfig } from './config.ts';

/** Series of one known model on one instrument: four outcomes, and a few kinds of errors. */
const SERIES_PER_MODEL = 8;

/** What the telemetry of a gateway is made with, as far as its configuration says it. */
export function telemetryOptions({ telemetry, limits, upstreams }: Config) {
  const { engine, cardinalityLimit, exemplarFilter, instruments } = telemetry;
  // A known model is promised series of its own: limits.known_models bounds them, and this must leave room for them.
  const modelSeries = Math.max(cardinalityLimit, limits.knownModelsMax * SERIES_PER_MODEL);
  const limitOf = (name: InstrumentName): number =>
    instruments[name]?.cardinalityLimit ?? (name.startsWith('inference.') ? modelSeries : cardinalityLimit);
  const bounds: Partial<Record<HistogramName, readonly number[]>> = {};
  for (const [name, { bounds: own }] of Object.entries(instruments)) if (own) bounds[name as HistogramName] = own;
  return {
    engine,
    exemplarFilter,
    // The SDK has one limit for all instruments.
    cardinalityLimit: engine === 'sdk' ? modelSeries : cardinalityLimit,
    limits: (name) => {
      const { expireAfterMs } = instruments[name] ?? {};
      return { cardinalityLimit: limitOf(name), ...(expireAfterMs === undefined ? {} : { expireAfterMs }) };
    },
    bounds,
    overrides: upstreams.flatMap(overridesOf),
  } satisfies Partial<TelemetryOptions>;
}

/** Those that say most come first: a model of one version, a model, the upstream. */
function overridesOf({ name, models, bounds }: UpstreamConfig): BoundsOverride[] {
  const where = { 'inference.upstream.name': name };
  const ofModels = models
    .toSorted((a, b) => Number(b.version !== undefined) - Number(a.version !== undefined))
    .map((model) => ({
      where: {
        ...where,
        'inference.model.name': model.name,
        ...(model.version === undefined ? {} : { 'inference.model.version': model.version }),
      },
      bounds: model.bounds ?? {},
    }));
  return [...ofModels, { where, bounds }].filter((override) => saysAnything(override.bounds));
}

function saysAnything(bounds: BoundsConfig): boolean {
  return Object.keys(bounds).length > 0;
}
