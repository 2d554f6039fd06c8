import { overlaps, pointsAt } from './hosts.ts';
import { labelFaults } from './label-keys.ts';
import { indices, isMapping, pathText, type Path } from './paths.ts';
import { hasOneModel } from './protocols.ts';
import { readAddress, readDuration, readEndpoint, readUpstreamUrl, type Address } from './values.ts';

export interface CheckOptions {
  /** What the file says at a path, or the default of that key. Not yet checked: it may have any type. */
  readonly value: (path: Path) => unknown;
  readonly shown: (path: Path) => string;
  /** `text` is the second half of a sentence that starts with the path; what is at the path is added to it. */
  readonly report: (path: Path, text: string) => void;
  /** The same of a key that is not to be there, whatever its value. */
  readonly reportKey: (path: Path, text: string) => void;
}

/**
 * Checks of keys that depend on each other. They look at the file and not at what the schema made of it, so that their problems are
 * found beside those of the schema; what they cannot read, the schema has reported.
 */
export function checkAcrossKeys(options: CheckOptions): void {
  namedService(options);
  unique(options, 'upstreams', 'name');
  unique(options, 'upstreams', 'path_prefix', segments);
  unique(options, 'push', 'name');
  roomForModels(options);
  modelsOnce(options);
  engineCan(options);
  listenersApart(options);
  noLoop(options);
  labelsApart(options);
  destinations(options);
}

/** The other attributes of the resource may be of any type, and the schema sees them all alike. */
function namedService({ value, report }: CheckOptions): void {
  const path = ['resource', 'service.name'];
  const name = value(path);
  const named = typeof name === 'string' && name.trim() !== '';
  if (name !== undefined && !named) report(path, 'must be a string that is not empty');
}

function unique({ value, report }: CheckOptions, list: string, key: string, meaning = (text: string) => text): void {
  const first = new Map<string, number>();
  for (const index of indices(value([list]))) {
    const given = readText(value([list, index, key]), meaning);
    const earlier = given === undefined ? undefined : first.get(given);
    if (earlier !== undefined) report([list, index, key], `must be unique, but ${list}[${earlier}] has the same`);
    else if (given !== undefined) first.set(given, index);
  }
}

/** Prefixes match by whole segments: a slash more at the end makes no other prefix. */
function segments(path: string): string {
  return path.split('/').filter(Boolean).join('/');
}

/** Configured models beyond the limit would silently have no series. */
function roomForModels({ value, report }: CheckOptions): void {
  const configured = indices(value(['upstreams'])).flatMap((index) => {
    const models = ['upstreams', index, 'models'];
    const places = indices(value(models));
    if (places.length === 0 && hasOneModel(value(['upstreams', index, 'protocol']))) return [JSON.stringify([index])];
    return places.map((place) => JSON.stringify([index, identity(value([...models, place]))]));
  });
  const { size } = new Set(configured);
  const limit = value(['limits', 'known_models']);
  if (typeof limit === 'number' && limit < size) {
    report(['limits', 'known_models'], `must not be less than ${size}, the number of models under upstreams`);
  }
}

/** Two entries of one model do no harm, unless they could have different buckets. */
function modelsOnce({ value, report }: CheckOptions): void {
  for (const index of indices(value(['upstreams']))) {
    const models = ['upstreams', index, 'models'];
    const first = new Map<string, number>();
    for (const place of indices(value(models))) {
      const model = JSON.stringify(identity(value([...models, place])));
      const earlier = first.get(model);
      const instruments = [...models, place, 'instruments'];
      if (earlier === undefined) first.set(model, place);
      else if (value(instruments) !== undefined) {
        report(instruments, `must be under ${pathText([...models, earlier])}, which is the same model`);
      }
    }
  }
}

function identity(model: unknown): unknown {
  return isMapping(model) ? [model.name, model.version] : model;
}

/** What the official SDK has no means for. */
function engineCan({ value, report }: CheckOptions): void {
  if (value(['telemetry', 'engine']) !== 'sdk') return;
  const since = 'since telemetry.engine is sdk';
  const filter = ['telemetry', 'exemplar_filter'];
  if (value(filter) !== 'trace_based') report(filter, `must be left out, ${since}, which has no exemplars`);
  const instruments = value(['telemetry', 'instruments']);
  for (const name of isMapping(instruments) ? Object.keys(instruments) : []) {
    for (const key of ['cardinality_limit', 'expire_after']) {
      const path = ['telemetry', 'instruments', name, key];
      if (value(path) !== undefined) report(path, `must be left out, ${since}`);
    }
  }
}

function listenersApart(options: CheckOptions): void {
  const listeners = openListeners(options);
  for (const [index, { key, address }] of listeners.entries()) {
    const other = listeners.slice(0, index).find((earlier) => overlaps(earlier.address, address));
    if (!other) continue;
    options.report(
      ['listen', key],
      `must not overlap with listen.${other.key}, ${options.shown(['listen', other.key])}`,
    );
  }
}

function noLoop(options: CheckOptions): void {
  for (const index of indices(options.value(['upstreams']))) {
    const path = ['upstreams', index, 'url'];
    const url = readText(options.value(path), readUpstreamUrl);
    const own = url && openListeners(options).find(({ address }) => pointsAt(url, address));
    if (own) options.report(path, `must not lead back to the gateway itself: that is listen.${own.key}`);
  }
}

function labelsApart({ value, report }: CheckOptions): void {
  for (const index of indices(value(['upstreams']))) {
    const labels = value(['upstreams', index, 'labels']);
    const keys = isMapping(labels) ? Object.keys(labels) : [];
    for (const [key, fault] of labelFaults(keys)) report(['upstreams', index, 'labels', key], fault);
  }
}

function destinations({ value, shown, report }: CheckOptions): void {
  for (const index of indices(value(['push']))) {
    const at = (...rest: string[]): Path => ['push', index, ...rest];
    const interval = readText(value(at('interval')), readDuration);
    const timeout = readText(value(at('timeout')), readDuration);
    if (interval !== undefined && timeout !== undefined && timeout > interval) {
      report(at('timeout'), `must not exceed push[${index}].interval, ${shown(at('interval'))}`);
    }
    const tls = value(at('tls'));
    if (!isMapping(tls)) continue;
    if (readText(value(at('endpoint')), readEndpoint)?.startsWith('http:')) {
      report(at('endpoint'), 'must be https, since there is tls');
    }
    const [other] = ['cert_file', 'key_file'].filter((key) => tls[key] === undefined);
    if (other !== undefined && (tls.cert_file ?? tls.key_file) !== undefined) {
      report(at('tls', other), 'must be given, since cert_file and key_file go together');
    }
  }
}

function openListeners({ value }: CheckOptions): { key: string; address: Address }[] {
  return ['inference', 'management', ...(value(['pull', 'enabled']) === false ? [] : ['metrics'])].flatMap((key) => {
    const address = readText(value(['listen', key]), readAddress);
    return address ? [{ key, address }] : [];
  });
}

function readText<T>(value: unknown, read: (text: string) => T | undefined): T | undefined {
  return typeof value === 'string' ? read(value) : undefined;
}
