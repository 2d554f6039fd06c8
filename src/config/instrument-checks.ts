import { readBuckets, type BucketPlace } from '../metric/buckets.ts';
import { catalogue, type InstrumentDefinition, type InstrumentName } from '../telemetry/catalogue.ts';
import type { CheckOptions } from './checks.ts';
import { nearest } from './nearest.ts';
import { indices, isMapping, type Path } from './paths.ts';

const BUCKET_KEYS = ['buckets', 'min', 'max', 'factor'] as const;
const SERIES_KEYS = ['cardinality_limit', 'expire_after'] as const;

/** Checks of the settings of single instruments: of all series, of those of an upstream and of those of a model. */
export function checkInstruments(options: CheckOptions): void {
  everywhere(options);
  for (const index of indices(options.value(['upstreams']))) {
    const upstream = ['upstreams', index];
    bucketsOf('inference.upstream.name', [...upstream, 'instruments'], options);
    for (const place of indices(options.value([...upstream, 'models']))) {
      bucketsOf('inference.model.name', [...upstream, 'models', place, 'instruments'], options);
    }
  }
}

function everywhere(options: CheckOptions): void {
  for (const { name, path } of settings(['telemetry', 'instruments'], options)) {
    const { kind }: InstrumentDefinition = catalogue[name];
    const leaveOut = (keys: readonly string[], why: string): void => {
      for (const key of keys) {
        if (options.value([...path, key]) !== undefined) options.report([...path, key], `must be left out: ${why}`);
      }
    };
    if (kind.startsWith('observable_'))
      leaveOut(SERIES_KEYS, 'an observable instrument has the series that were just observed');
    if (kind !== 'histogram') leaveOut(BUCKET_KEYS, 'only a histogram has buckets');
    else if (BUCKET_KEYS.some((key) => options.value([...path, key]) !== undefined)) bucketsAt(path, options);
  }
}

/** @param attribute that tells whose series they are: without it there are none of this upstream or model only. */
function bucketsOf(attribute: string, mapping: Path, options: CheckOptions): void {
  for (const { name, path } of settings(mapping, options)) {
    const { kind, attributes }: InstrumentDefinition = catalogue[name];
    if (kind === 'histogram' && attributes.includes(attribute)) bucketsAt(path, options);
    else options.reportKey(path, `cannot be set here: it is not a histogram with the attribute ${attribute}`);
  }
}

/** Those of instruments that there are. */
function settings(mapping: Path, { value, reportKey }: CheckOptions): { name: InstrumentName; path: Path }[] {
  const instruments = value(mapping);
  return Object.keys(isMapping(instruments) ? instruments : {}).flatMap((name) => {
    const path = [...mapping, name];
    if (isInstrument(name)) return isMapping(value(path)) ? [{ name, path }] : [];
    const near = nearest(name, Object.keys(catalogue));
    reportKey(
      path,
      `is not a known instrument (${near === undefined ? 'see docs/metrics.md' : `did you mean ${near}?`})`,
    );
    return [];
  });
}

function bucketsAt(path: Path, { value, shown, report }: CheckOptions): void {
  const spec = Object.fromEntries(BUCKET_KEYS.map((key) => [key, value([...path, key])]));
  const result = readBuckets(spec);
  if (result.ok) return;
  const at = ({ key, index }: BucketPlace): Path => [...path, key, ...(index === undefined ? [] : [index])];
  for (const fault of result.faults) {
    report(at(fault), fault.than ? `${fault.text}, ${shown(at(fault.than))}` : fault.text);
  }
}

function isInstrument(name: string): name is InstrumentName {
  return Object.hasOwn(catalogue, name);
}
