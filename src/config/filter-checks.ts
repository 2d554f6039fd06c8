import { metricName, translateName, type NameParts } from '../exposition/names.ts';
import { matcher } from '../std/wildcards.ts';
import { catalogue, type InstrumentDefinition, type InstrumentName } from '../telemetry/catalogue.ts';
import type { CheckOptions } from './checks.ts';
import { nearest } from './nearest.ts';
import { indices, isMapping, type Path } from './paths.ts';

const NAMES: readonly string[] = Object.keys(catalogue);

/** Looks for filters that let nothing through. Whoever brings metrics of other names may mean them: these are warnings. */
export function checkFilters(options: CheckOptions): void {
  for (const index of indices(options.value(['push']))) {
    const metrics = ['push', index, 'metrics'];
    if (isMapping(options.value(metrics))) somethingFits(metrics, options);
  }
}

function somethingFits(metrics: Path, { value, shown, warn }: CheckOptions): void {
  const texts = (key: string): [string, number][] =>
    indices(value([...metrics, key])).flatMap((index) => {
      const pattern = value([...metrics, key, index]);
      return typeof pattern === 'string' ? [[pattern, index]] : [];
    });
  for (const key of ['included', 'excluded'])
    for (const [pattern, index] of texts(key)) {
      if (NAMES.some(matcher([pattern]))) continue;
      const at = [...metrics, key, index];
      // What came from outside must not be guessed from what it is near to.
      const meant = shown(at) === JSON.stringify(pattern) ? meantBy(pattern) : undefined;
      const advice = meant === undefined ? 'see docs/metrics.md' : `did you mean ${meant}?`;
      warn(at, `fits no metric of metergate, ${advice} (got ${shown(at)})`);
    }
  const patterns = (key: string): string[] => texts(key).map(([pattern]) => pattern);
  const included = value([...metrics, 'included']) === undefined ? ['*'] : patterns('included');
  const [isIncluded, isExcluded] = [matcher(included), matcher(patterns('excluded'))];
  if (!NAMES.some((name) => isIncluded(name) && !isExcluded(name)))
    warn(metrics, 'lets no metric of metergate through');
}

/** A name as it is at Prometheus is the likeliest slip. */
function meantBy(pattern: string): string | undefined {
  const isFit = matcher([pattern]);
  const name = NAMES.find((name) => namesAtPrometheus(name).some(isFit));
  if (name === undefined) return nearest(pattern, NAMES);
  const dotted = pattern.replaceAll('_', '.');
  return /[*?]/.test(pattern) && NAMES.some(matcher([dotted])) ? dotted : name;
}

function namesAtPrometheus(name: string): string[] {
  const { kind, unit }: InstrumentDefinition = catalogue[name as InstrumentName];
  const parts = { name, unit, kind: kind.replace('observable_', '') as NameParts['kind'] };
  const family = metricName(parts);
  const { name: bare } = translateName(parts, 'underscore_escaping_without_suffixes');
  return [family, bare, ...['bucket', 'sum', 'count'].map((suffix) => `${family}_${suffix}`)];
}
