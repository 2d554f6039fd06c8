import { context, createContextKey, isSpanContextValid, ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api';
import type { Context, SpanContext } from '@opentelemetry/api';
import type { Exemplar } from '../metric/model.ts';

/**
 * Which measurements may become exemplars: all, none, or those made in a sampled span.
 *
 * Source: OpenTelemetry metrics SDK, "ExemplarFilter"
 */
export type ExemplarFilter = 'always_on' | 'always_off' | 'trace_based';

/** Decides about measurements, and is quick where there is nothing to decide. */
export class ExemplarSampler {
  /** Whether a measurement that comes with a context of its own can become an exemplar. */
  readonly given: boolean;
  /** Whether one that comes without can. */
  ambient = false;
  readonly #filter: ExemplarFilter;
  readonly #nowMs: () => number;

  constructor(filter: ExemplarFilter, nowMs: () => number) {
    this.#filter = filter;
    this.#nowMs = nowMs;
    this.given = filter !== 'always_off';
    this.refresh();
  }

  /** Looks whether somebody keeps the active context by now: to ask for it at each measurement would cost more than to measure. */
  refresh(): void {
    this.ambient = this.#filter === 'always_on' || (this.#filter === 'trace_based' && keepsContext());
  }

  sample(value: number, given: Context | undefined): Exemplar | undefined {
    const span = spanOf(given);
    // First what costs least and nearly always decides.
    const sampled = span !== undefined && (span.traceFlags & TraceFlags.SAMPLED) !== 0;
    if (!sampled && this.#filter !== 'always_on') return undefined;
    const inSpan = span !== undefined && isSpanContextValid(span);
    if (!inSpan && this.#filter !== 'always_on') return undefined;
    const { traceId, spanId } = inSpan ? span : { traceId: '', spanId: '' };
    return { value, timeMs: this.#nowMs(), traceId, spanId };
  }
}

/** The latest exemplar of each slot: of a series, or of a bucket of one. As many as there are slots at most. */
export class Exemplars {
  readonly sampler: ExemplarSampler;
  readonly #latest = new Map<number, Exemplar>();

  constructor(sampler: ExemplarSampler) {
    this.sampler = sampler;
  }

  offer(slot: number, value: number, given: Context | undefined): void {
    const exemplar = this.sampler.sample(value, given);
    if (exemplar !== undefined) this.#latest.set(slot, exemplar);
  }

  clear(row: number, width = 1): void {
    if (this.#latest.size === 0) return;
    for (let slot = row * width; slot < (row + 1) * width; slot++) this.#latest.delete(slot);
  }

  /** @returns those of the rows' slots that are not older than `sinceMs`; undefined if there are none. */
  of(
    rows: Int32Array,
    { width = 1, sinceMs }: { width?: number; sinceMs: number },
  ): (Exemplar | undefined)[] | undefined {
    if (this.#latest.size === 0) return undefined;
    const places = new Map<number, number>();
    rows.forEach((row, place) => places.set(row, place));
    let found: (Exemplar | undefined)[] | undefined;
    for (const [slot, exemplar] of this.#latest) {
      const row = Math.floor(slot / width);
      const place = places.get(row);
      if (place === undefined || exemplar.timeMs < sinceMs) continue;
      found ??= new Array<Exemplar | undefined>(rows.length * width).fill(undefined);
      found[place * width + (slot - row * width)] = exemplar;
    }
    return found;
  }
}

/** The caller's context may be anything in plain JavaScript, and nobody is to pay for counting a request. */
function spanOf(given: Context | undefined): SpanContext | undefined {
  try {
    return trace.getSpanContext(given ?? context.active());
  } catch {
    return undefined;
  }
}

const PROBE = createContextKey('metergate probe');

function keepsContext(): boolean {
  return context.with(ROOT_CONTEXT.setValue(PROBE, true), () => context.active().getValue(PROBE) === true);
}
