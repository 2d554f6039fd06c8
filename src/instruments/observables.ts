import type { BatchObservableCallback, ObservableCallback } from '@opentelemetry/api';
import { createSharedRun, type SharedRun } from '../std/shared-run.ts';
import type { Observed } from './instrument.ts';
import { Observations } from './observations.ts';

/** What one callback failed with. */
export interface CallbackError {
  /** The names of its instruments. */
  readonly source: string;
  readonly error: unknown;
}

interface Callback {
  /** As it was registered, to find it again. */
  readonly key: unknown;
  readonly instruments: ReadonlySet<Observed>;
  /** Names of the instruments. */
  readonly source: string;
  readonly run: SharedRun<Observations>;
}

/**
 * The callbacks of asynchronous instruments. Each is called once in a collection; what one throws, or does not end within the time
 * that the collection gives it, costs its own readings only. One that hangs is waited for until it has run for a second, and then not
 * at all.
 */
export class Observables {
  readonly #callbacks: Callback[] = [];

  add(callback: ObservableCallback, instrument: Observed): void {
    this.#register(callback, new Set([instrument]), (into) => callback(into.resultFor(instrument)));
  }

  /** @param instruments that it observes; not empty. */
  addBatch(callback: BatchObservableCallback, instruments: ReadonlySet<Observed>): void {
    this.#register(callback, instruments, (into) => callback(into.resultForAll(instruments)));
  }

  remove(callback: unknown, instruments: ReadonlySet<Observed>): void {
    const at = this.#find(callback, instruments);
    if (at >= 0) this.#callbacks.splice(at, 1);
  }

  /**
   * Calls every callback. Where none of them is asynchronous, nothing is waited for.
   *
   * @returns what they observed, and the errors of single ones.
   */
  async run(timeoutMs: number): Promise<{ observations: readonly Observations[]; errors: readonly CallbackError[] }> {
    const observations: Observations[] = [];
    const errors: CallbackError[] = [];
    const waiting: Promise<void>[] = [];
    const take = async (source: string, later: Promise<Observations>): Promise<void> => {
      try {
        observations.push(await later);
      } catch (error) {
        errors.push({ source, error });
      }
    };
    for (const { source, run } of [...this.#callbacks]) {
      try {
        const result = run.get(timeoutMs);
        if (result instanceof Promise) waiting.push(take(source, result));
        else observations.push(result);
      } catch (error) {
        errors.push({ source, error });
      }
    }
    if (waiting.length > 0) await Promise.all(waiting);
    return { observations, errors };
  }

  #register(
    key: unknown,
    instruments: ReadonlySet<Observed>,
    call: (into: Observations) => void | PromiseLike<void>,
  ): void {
    if (this.#find(key, instruments) >= 0) return;
    const source = Array.from(instruments, ({ described }) => described.name).join(', ');
    const work = (): Observations | Promise<Observations> => {
      const observations = new Observations();
      const ended: unknown = call(observations);
      const isThenable = typeof ended === 'object' && ended !== null && 'then' in ended;
      return isThenable ? Promise.resolve(ended).then(() => observations.close()) : observations.close();
    };
    this.#callbacks.push({ key, instruments, source, run: createSharedRun(`the callback of ${source}`, work) });
  }

  #find(key: unknown, instruments: ReadonlySet<Observed>): number {
    return this.#callbacks.findIndex((known) => known.key === key && sameSet(known.instruments, instruments));
  }
}

function sameSet(a: ReadonlySet<Observed>, b: ReadonlySet<Observed>): boolean {
  return a.size === b.size && [...a].every((instrument) => b.has(instrument));
}
