import * as z from 'zod';
import { bound, choice, count, duration, label, list, number, requestHeader, section } from './kinds.ts';
import { HEADER_ATTRIBUTES_MAX } from './label-keys.ts';

/** How what is measured is kept; the rest of what `telemetry.instruments` must be is in instrument-checks.ts. */
export function telemetry() {
  return section({
    engine: choice('native', 'sdk')
      .default('native')
      .describe('Who keeps the measurements: metergate itself or the official OpenTelemetry SDK.'),
    cardinality_limit: count()
      .default(2000)
      .describe('Series of one instrument; what is beyond is counted in one series with otel.metric.overflow.'),
    exemplar_filter: choice('always_on', 'always_off', 'trace_based')
      .default('trace_based')
      .describe('Which measurements may become exemplars: all, none or those made in a sampled span.'),
    instruments: byName({
      ...buckets(),
      cardinality_limit: count()
        .optional()
        .describe('Series of this instrument, in place of telemetry.cardinality_limit.'),
      expire_after: duration(1000)
        .optional()
        .describe(
          'A series that nothing was recorded on for so long, at least 1s and more than every push[].interval, is removed.',
        ),
    })
      .default({})
      .describe('Settings of single instruments, by their names.'),
    attributes_from_headers: list(
      section({
        header: requestHeader().describe('Name of the header, in any case; unique.'),
        attribute: label().describe('Key of the attribute; unique.'),
        max_values: count().default(100).describe('Values that are told apart; more are _other.'),
      }),
    )
      // A bound that zod checks would hide the problems of the entries; label-checks.ts has it.
      .meta({ maxItems: HEADER_ATTRIBUTES_MAX })
      .prefault([])
      .describe('Headers of requests that become attributes of inference.requests and inference.request.duration.'),
  })
    .prefault({})
    .describe('How measurements are kept until they are collected.');
}

export function instrumentBuckets() {
  return byName(buckets());
}

function byName<S extends z.core.$ZodLooseShape>(shape: S) {
  return z.record(z.string(), section(shape), 'must be a mapping');
}

/** All are optional here: which of them go together is for `readBuckets` to say. */
function buckets() {
  return {
    buckets: list(bound(), 'must be a list of numbers')
      .optional()
      .describe('Upper bounds, ascending, in the unit of the instrument.'),
    min: number().optional().describe('In place of buckets, with max and factor: the first bound.'),
    max: number().optional().describe('The last bound.'),
    factor: number().optional().describe('Each bound between them is the one before it times this.'),
  };
}
