import type { Observable, ObservableCallback } from '@opentelemetry/api';
import type { Observed } from './instrument.ts';

export interface ObservableCallbacks {
  readonly add: (callback: ObservableCallback) => void;
  readonly remove: (callback: ObservableCallback) => void;
}

/** What the API calls an observable instrument; a class, so that batch callbacks can tell ours from others. */
export class NativeObservable implements Observable {
  readonly instrument: Observed;
  readonly #callbacks: ObservableCallbacks;

  constructor(instrument: Observed, callbacks: ObservableCallbacks) {
    this.instrument = instrument;
    this.#callbacks = callbacks;
  }

  addCallback(callback: ObservableCallback): void {
    this.#callbacks.add(callback);
  }

  removeCallback(callback: ObservableCallback): void {
    this.#callbacks.remove(callback);
  }
}

/** @returns undefined for what is not ours. */
export function observedOf(observable: unknown): Observed | undefined {
  return observable instanceof NativeObservable ? observable.instrument : undefined;
}
