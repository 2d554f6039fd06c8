import { overlaps, pointsAt } from './hosts.ts';
import { indices, isMapping, pathText, type Path } from './paths.ts';
import { hasOneModel } from './protocols.ts';
import { givenUrls } from './upstream-urls.ts';
import { readAddress, readText, readUpstreamUrl, type Address } from './values.ts';

export interface CheckOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the file says at a path, or the default of that key. Not yet checked: it may have any type. */
  readonly value: (path: Path) => unknown;
  readonly shown: (path: Path) => string;
  /** What messages call what is at a path: its key, or the standard variable that it came from. */
  readonly named: (path: Path) => string;
  /** `text` is the second half of a sentence that starts with the path; what is at the path is added to it. */
  readonly report: (path: Path, text: string) => void;
  /** The same of a key that is not to be there, whatever its value. */
  readonly reportKey: (path: Path, text: string) => void;
  /** As `reportKey`, of what may be meant so, though hardly. */
  readonly warn: (path: Path, text: string) => void;
}

/**
 * Checks of keys that depend on each other. They look at the file and not at what the schema made of it, so that their problems are
 * found beside those of the schema; what they cannot read, the schema has reported.
 */
export function checkAcrossKeys(options: CheckOptions): void {
  resourceKept(options);
  unique(options, ['upstreams'], 'name');
  unique(options, ['push'], 'name');
  roomForModels(options);
  modelsOnce(options);
  engineCan(options);
  listenersApart(options);
  noLoop(options);
  rootIsRead(options);
}

/** The other attributes of the resource may be of any type, and the schema sees them all alike; one it does not see. */
function resourceKept({ value, report, reportKey }: CheckOptions): void {
  const path = ['resource', 'service.name'];
  const name = value(path);
  const named = typeof name === 'string' && name.trim() !== '';
  if (name !== undefined && !named) report(path, 'must be a string that is not empty');
  const lost = ['resource', '__proto__'];
  if (value(lost) !== undefined)
    reportKey(lost, 'must have another key: an object of JavaScript does not keep this one');
}

/** @param meaning makes of what is there what must be unique. */
export function unique(
  { value, report }: CheckOptions,
  list: Path,
  key: string,
  meaning = (text: string) => text,
): void {
  const first = new Map<string, number>();
  for (const index of indices(value(list))) {
    const given = readText(value([...list, index, key]), meaning);
    const earlier = given === undefined ? undefined : first.get(given);
    if (earlier !== undefined) {
      report([...list, index, key], `must be unique, but ${pathText([...list, earlier])} has the same`);
    } else if (given !== undefined) first.set(given, index);
  }
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

/** Of a destination. */
const NATIVE_KEYS = ['metrics', 'max_batch_size', 'max_concurrent_exports', 'queue', 'retry'];

/** What the official SDK and its exporter have no means for. */
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
  for (const index of indices(value(['push']))) {
    const path = ['push', index];
    if (value([...path, 'protocol']) === 'http/protobuf') report([...path, 'protocol'], `must be grpc, ${since}`);
    const destination = value(path);
    const given = isMapping(destination) ? NATIVE_KEYS.filter((key) => Object.hasOwn(destination, key)) : [];
    for (const key of given) report([...path, key], `must be left out, ${since}`);
  }
}

function listenersApart(options: CheckOptions): void {
  const { report, shown, named } = options;
  const listeners = openListeners(options);
  for (const [index, { key, address }] of listeners.entries()) {
    const other = listeners.slice(0, index).find((earlier) => overlaps(earlier.address, address));
    if (!other) continue;
    const path = ['listen', other.key];
    report(['listen', key], `must not overlap with ${named(path)}, ${shown(path)}`);
  }
}

function noLoop(options: CheckOptions): void {
  const { value, report, named } = options;
  const upstreams = indices(value(['upstreams'])).flatMap((index) => givenUrls(['upstreams', index, 'url'], value));
  const destinations = indices(value(['push'])).map((index) => {
    const path = ['push', index, 'endpoint'];
    return { path, url: readText(value(path), readUpstreamUrl) };
  });
  for (const { path, url } of [...upstreams, ...destinations]) {
    const own = url && openListeners(options).find(({ address }) => pointsAt(url, address));
    if (own) report(path, `must not lead back to the gateway itself: that is ${named(['listen', own.key])}`);
  }
}

/** What is read without it is the container that we are in, not the host. */
function rootIsRead({ value, report }: CheckOptions): void {
  const host = ['observables', 'host'];
  const root = [...host, 'root'];
  if (value([...host, 'backend']) === 'systeminformation' && value(root) !== '/') {
    report(root, `must be left out, since ${pathText([...host, 'backend'])} is systeminformation`);
  }
}

function openListeners({ value }: CheckOptions): { key: string; address: Address }[] {
  return ['inference', 'management', ...(value(['pull', 'enabled']) === false ? [] : ['metrics'])].flatMap((key) => {
    const address = readText(value(['listen', key]), readAddress);
    return address ? [{ key, address }] : [];
  });
}
