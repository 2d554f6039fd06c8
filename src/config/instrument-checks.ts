import { readBuckets, type BucketPlace } from '../metric/buckets.ts';
import { catalogue, type InstrumentDefinition, type InstrumentName } from '../telemetry/catalogue.ts';
import type { CheckOptions } from './checks.ts';
import { nearest } from './nearest.ts';
import { indices, isMapping, type Path } from './paths.ts';
import { readDuration } from './values.ts';

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
    if (kind === 'up_down_counter')
      leaveOut(['expire_after'], 'what is still running would be forgotten, and its end counted as -1 for ever');
    outlivesPushes([...path, 'expire_after'], options);
    if (kind !== 'histogram') leaveOut(BUCKET_KEYS, 'only a histogram has buckets');
    else if (BUCKET_KEYS.some((key) => options.value([...path, key]) !== undefined)) bucketsAt(path, options);
  }
}

/** A series ends in a collection, whoever collects: a slower destination would not be sent what it had. */
function outlivesPushes(path: Path, { value, shown, named, report }: CheckOptions): void {
  const expiry = durationAt(path, value);
  if (expiry === undefined) return;
  const intervals = indices(value(['push'])).flatMap((index) => {
    const at = ['push', index, 'interval'];
    const ms = durationAt(at, value);
    return ms === undefined ? [] : [{ at, ms }];
  });
  const [longest] = intervals.toSorted((a, b) => b.ms - a.ms);
  if (longest !== undefined && expiry <= longest.ms) {
    report(path, `must be greater than ${named(longest.at)}, ${shown(longest.at)}`);
  }
}

function durationAt(path: Path, value: CheckOptions['value']): number | undefined {
  const given = value(path);
  return typeof given === 'string' ? readDuration(given) : undefined;
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
