import type { Attributes, Metric, Snapshot } from '../metric/model.ts';
import { rebucketByRow, unionOfBounds } from '../metric/rebucket.ts';
import { catalogue } from './catalogue.ts';
import type { HistogramName } from './instruments.ts';

/** Bounds of histograms by name. */
export type BoundsByName = Readonly<Partial<Record<HistogramName, readonly number[]>>>;

/** Bounds that hold for the series that have certain attributes. */
export interface BoundsOverride {
  readonly where: Attributes;
  readonly bounds: BoundsByName;
}

export interface ShownBoundsOptions {
  /** Instead of those of the catalogue. */
  readonly bounds?: BoundsByName;
  /** The first that fits a series counts. */
  readonly overrides?: readonly BoundsOverride[];
}

/** On which bounds histograms are recorded, and on which their series are shown. */
export interface ShownBounds {
  /** All that some series is shown on: only then is each bucket that is shown an exact sum of recorded ones. */
  recorded(name: HistogramName): readonly number[];
  /** @returns the snapshot itself where every histogram is shown as it was recorded. */
  apply(snapshot: Snapshot): Snapshot;
}

export function createShownBounds({ bounds = {}, overrides = [] }: ShownBoundsOptions): ShownBounds {
  const ofAll = (name: HistogramName): readonly number[] => bounds[name] ?? catalogue[name].bounds;
  const overridden = new Set(overrides.flatMap((override) => Object.keys(override.bounds)));
  const shown = (name: HistogramName, attributes: Attributes): readonly number[] =>
    overrides.find(({ where, bounds }) => bounds[name] !== undefined && fits(attributes, where))?.bounds[name] ??
    ofAll(name);

  const applyTo = (metric: Metric): Metric => {
    if (metric.kind !== 'histogram' || !overridden.has(metric.name)) return metric;
    const name = metric.name as HistogramName;
    return {
      ...metric,
      points: metric.points.flatMap((points) => rebucketByRow(points, (attributes) => shown(name, attributes))),
    };
  };
  return {
    recorded: (name) => unionOfBounds(ofAll(name), ...overrides.map((override) => override.bounds[name] ?? [])),
    apply: (snapshot) => {
      if (overridden.size === 0) return snapshot;
      const scopes = snapshot.scopes.map((each) => ({ ...each, metrics: each.metrics.map(applyTo) }));
      return { ...snapshot, scopes };
    },
  };
}

function fits(attributes: Attributes, where: Attributes): boolean {
  return Object.entries(where).every(([key, value]) => attributes[key] === value);
}
