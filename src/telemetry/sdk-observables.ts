import type {
  BatchObservableCallback,
  BatchObservableResult,
  Meter,
  Observable,
  ObservableCallback,
} from '@opentelemetry/api';
import type { Scope } from '../metric/model.ts';
import type { Observed, ObservedRun } from './observed.ts';
import { present } from './sdk-attributes.ts';

/** The SDK's asynchronous instruments in wrappers of ours, which note what callbacks observe and hand the SDK a copy of attributes. */
export interface SdkObservables {
  /** @param created by the meter of the SDK. */
  wrap(name: string, created: Observable): Observable;
  addBatch(callback: BatchObservableCallback, observables: readonly Observable[]): void;
  removeBatch(callback: BatchObservableCallback, observables: readonly Observable[]): void;
}

export interface SdkObservablesOptions {
  readonly meter: Meter;
  readonly scope: Pick<Scope, 'name'> & Partial<Scope>;
  readonly observed: Observed;
}

interface Batch {
  readonly instruments: ReadonlySet<Observable>;
  readonly callback: BatchObservableCallback;
}

export function createSdkObservables({ meter, scope, observed }: SdkObservablesOptions): SdkObservables {
  /** The SDK finds a callback again by itself and its instruments. */
  const batches = new WeakMap<BatchObservableCallback, Batch[]>();
  const batchOf = (callback: BatchObservableCallback, observables: readonly Observable[]): Batch => {
    const wrappers = observables.filter((observable) => observable instanceof SdkObservable);
    const instruments = new Set(wrappers.map(({ created }) => created));
    const known = batches.get(callback) ?? [];
    let batch = known.find((each) => sameSet(each.instruments, instruments));
    if (batch === undefined) {
      const wrapper: BatchObservableCallback = (result) =>
        noted(observed, (run) => callback(batchResult({ run, result, instruments })));
      batches.set(callback, [...known, (batch = { instruments, callback: wrapper })]);
    }
    return batch;
  };

  return {
    wrap: (name, created) => new SdkObservable(observed.name(scope, name), { created, observed }),
    addBatch: (callback, observables) => {
      const batch = batchOf(callback, observables);
      meter.addBatchObservableCallback(batch.callback, [...batch.instruments]);
    },
    removeBatch: (callback, observables) => {
      const batch = batchOf(callback, observables);
      meter.removeBatchObservableCallback(batch.callback, [...batch.instruments]);
    },
  };
}

/** A class, so that batch callbacks can tell ours from others. */
class SdkObservable implements Observable {
  readonly key: string;
  readonly created: Observable;
  readonly #observed: Observed;
  readonly #wrappers = new WeakMap<ObservableCallback, ObservableCallback>();

  constructor(key: string, { created, observed }: { created: Observable; observed: Observed }) {
    this.key = key;
    this.created = created;
    this.#observed = observed;
  }

  addCallback(callback: ObservableCallback): void {
    this.created.addCallback(this.#wrapperOf(callback));
  }

  removeCallback(callback: ObservableCallback): void {
    this.created.removeCallback(this.#wrapperOf(callback));
  }

  #wrapperOf(callback: ObservableCallback): ObservableCallback {
    let wrapper = this.#wrappers.get(callback);
    if (wrapper === undefined) {
      wrapper = (result) =>
        noted(this.#observed, (run) =>
          callback({
            observe: (value, attributes) => {
              const own = present(attributes);
              if (typeof value === 'number') run.add(this.key, own);
              result.observe(value, own);
            },
          }),
        );
      this.#wrappers.set(callback, wrapper);
    }
    return wrapper;
  }
}

/** What is observed for other instruments is left out, as the SDK does. */
function batchResult({
  run,
  result,
  instruments,
}: {
  run: ObservedRun;
  result: BatchObservableResult;
  instruments: ReadonlySet<Observable>;
}): BatchObservableResult {
  return {
    observe: (observable, value, attributes) => {
      if (!(observable instanceof SdkObservable) || !instruments.has(observable.created)) return;
      const own = present(attributes);
      if (typeof value === 'number') run.add(observable.key, own);
      result.observe(observable.created, value, own);
    },
  };
}

function noted(observed: Observed, call: (run: ObservedRun) => void | Promise<void>): void | Promise<void> {
  const run = observed.begin();
  const ended: unknown = call(run);
  const isThenable = typeof ended === 'object' && ended !== null && 'then' in ended;
  if (isThenable) return Promise.resolve(ended).then(() => run.end());
  run.end();
}

function sameSet(a: ReadonlySet<unknown>, b: ReadonlySet<unknown>): boolean {
  return a.size === b.size && [...a].every((element) => b.has(element));
}
