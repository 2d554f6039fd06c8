import type { Metric, Scope, ScopeMetrics } from '../metric/model.ts';
import { ExemplarSampler, type ExemplarFilter } from './exemplars.ts';
import type { BindableMeter } from './bindable.ts';
import type { Instrument, TemporalityPreference, ViewState } from './instrument.ts';
import { NONE } from './key-set.ts';
import { NativeMeter } from './native-meter.ts';
import { Observables, type CallbackError } from './observables.ts';
import type { Observations } from './observations.ts';
import type { Refusal } from './refusals.ts';

export interface MetersOptions {
  /** Of instruments that name none of their own. */
  readonly cardinalityLimit: number;
  readonly exemplarFilter: ExemplarFilter;
  /** Unix ms. */
  readonly nowMs: () => number;
}

/** Counts of what did not go where it was meant to, since the start. */
export interface InstrumentStats {
  readonly name: string;
  readonly limit: number;
  readonly series: number;
  /** Measurements that found no room, by the attribute key that had the most values at that time. */
  readonly overflowed: ReadonlyMap<string, number>;
  readonly refused: ReadonlyMap<Refusal, number>;
}

/** One consumer's view of all instruments. With delta temporality a point is given once. */
export interface View {
  /**
   * Calls the callbacks and then copies the columns, at one moment.
   *
   * @param timeoutMs for callbacks that are asynchronous.
   * @returns scopes in the order of their creation, those that have something; and the errors of single callbacks.
   */
  collect(timeoutMs: number): Promise<{ scopes: readonly ScopeMetrics[]; errors: readonly CallbackError[] }>;
}

/** What a `MeterProvider` is to the SDK, less resources and readers: those are the caller's. */
export interface Meters {
  /** The same scope gives the same meter. */
  getMeter(scope: Partial<Scope> & Pick<Scope, 'name'>): BindableMeter;
  /** A view sees all that was recorded before it was made, too. It costs memory and time as long as the process lives. */
  createView(preference: TemporalityPreference): View;
  stats(): readonly InstrumentStats[];
}

interface ScopeEntry {
  readonly scope: Scope;
  readonly meter: BindableMeter;
  readonly instruments: Instrument[];
}

export function createMeters({ cardinalityLimit, exemplarFilter, nowMs }: MetersOptions): Meters {
  const sampler = new ExemplarSampler(exemplarFilter, nowMs);
  const observables = new Observables();
  const entries = new Map<string, ScopeEntry>();
  let deltaViews = 0;

  const createEntry = (scope: Scope): ScopeEntry => {
    const instruments: Instrument[] = [];
    const created = (instrument: Instrument): void => {
      for (let view = 0; view < deltaViews; view++) instrument.addDeltaView();
      instruments.push(instrument);
    };
    return { scope, instruments, meter: new NativeMeter({ cardinalityLimit, nowMs, sampler, observables, created }) };
  };
  const all = (): Instrument[] => [...entries.values()].flatMap(({ instruments }) => instruments);

  /** One moment: nothing is awaited in here. */
  const snapshot = (state: ViewState, observations: readonly Observations[]): ScopeMetrics[] => {
    // A wall clock that was set back must not make a point end before it began.
    const now = Math.max(nowMs(), state.sinceMs);
    for (const instrument of all()) instrument.begin(now);
    for (const observed of observations) observed.apply();
    const scopes: ScopeMetrics[] = [];
    for (const { scope, instruments } of entries.values()) {
      const metrics = instruments.flatMap((instrument): Metric | Metric[] => instrument.collect(state, now) ?? []);
      if (metrics.length > 0) scopes.push({ scope, metrics });
    }
    state.sinceMs = now;
    return scopes;
  };

  return {
    getMeter: ({ name, version = '', schemaUrl = '' }) => {
      const key = JSON.stringify([name, version, schemaUrl]);
      let entry = entries.get(key);
      if (entry === undefined) entries.set(key, (entry = createEntry({ name, version, schemaUrl })));
      return entry.meter;
    },
    createView: (preference) => {
      const isDelta = preference !== 'cumulative';
      if (isDelta) for (const instrument of all()) instrument.addDeltaView();
      const state: ViewState = { preference, delta: isDelta ? deltaViews++ : NONE, sinceMs: 0 };
      return {
        collect: async (timeoutMs) => {
          sampler.refresh();
          const { observations, errors } = await observables.run(timeoutMs);
          return { scopes: snapshot(state, observations), errors };
        },
      };
    },
    stats: () =>
      all().map(({ described, series, refusals }) => ({
        name: described.name,
        limit: series.limit,
        series: series.size,
        overflowed: series.overflowed,
        refused: refusals.counts,
      })),
  };
}
