import { labelName } from '../exposition/names.ts';
import { catalogue } from '../telemetry/catalogue.ts';

/** Each multiplies the series by the values that it has. */
export const HEADER_ATTRIBUTES_MAX = 8;

/** Attributes that the proxy sets on the series that an upstream's labels go to. */
const OWN = Object.entries(catalogue).flatMap(([name, { attributes }]): readonly string[] =>
  name.startsWith('inference.') ? attributes : [],
);

/** Written by the exposition, by Prometheus for each target, and by the SDK on what exceeds the cardinality limit. */
const RESERVED = [
  'le',
  'quantile',
  'otel_scope_name',
  'otel_scope_version',
  'otel_scope_schema_url',
  'job',
  'instance',
  'otel.metric.overflow',
];

/**
 * Different keys may be one label at Prometheus, where they would be joined into one value or renamed.
 *
 * @param keys of the labels of one upstream. @returns those that cannot stay, with the second half of a sentence that starts with the path.
 */
export function labelFaults(keys: readonly string[]): ReadonlyMap<string, string> {
  const faults = new Map<string, string>();
  const twins = new Map<string, string>();
  for (const key of keys) {
    const fault = labelFault(key, twins);
    if (fault !== undefined) faults.set(key, fault);
    twins.set(labelName(key), key);
  }
  return faults;
}

function labelFault(key: string, twins: ReadonlyMap<string, string>): string | undefined {
  if (/^[^a-zA-Z\d]{2}/u.test(key))
    return 'must not become a label that begins with __: those are reserved at Prometheus';
  const name = labelName(key);
  const same = (other: string): boolean => labelName(other) === name;
  if (OWN.some(same)) return `must have another key: metergate sets the label ${name} itself`;
  if (RESERVED.some(same)) return `must have another key: the label ${name} is reserved at Prometheus`;
  const twin = twins.get(name);
  return twin === undefined ? undefined : `must have another key: ${twin} is the label ${name}, too`;
}
