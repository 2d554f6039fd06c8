import type { CheckOptions } from './checks.ts';
import { notLonger, tlsFits } from './destination-checks.ts';
import { indices, isMapping, pathText, type Path } from './paths.ts';
import { givenUrls } from './upstream-urls.ts';

const NO_MODEL_NAMED: readonly unknown[] = ['bentoml', 'mlflow', 'mlflow-tracking'];

/** Checks of one upstream and of those beside it; what goes with its protocol only is in protocol-checks.ts. */
export function checkUpstreams(options: CheckOptions): void {
  matchesApart(options);
  for (const index of indices(options.value(['upstreams']))) {
    const path = ['upstreams', index];
    replicasAlike(path, options);
    modelsNamed(path, options);
    roomForRequests(path, options);
    notLonger([...path, 'health', 'timeout'], [...path, 'health', 'interval'], options);
    const urls = givenUrls([...path, 'url'], options.value).map((given) => ({ ...given, url: given.url?.href }));
    tlsFits({ tls: [...path, 'tls'], urls }, options);
  }
}

/** Requests that two upstreams are for would all go to one of them. */
function matchesApart({ value, report }: CheckOptions): void {
  const earlier: { index: number; prefix: string; hosts: ReadonlySet<string>; models: ReadonlySet<string> }[] = [];
  for (const index of indices(value(['upstreams']))) {
    const path = ['upstreams', index, 'path_prefix'];
    const given = value(path);
    if (typeof given !== 'string') continue;
    const wanted = (key: string): ReadonlySet<string> => texts(value(['upstreams', index, 'match', key]));
    const hosts = new Set([...wanted('hosts')].map((host) => host.toLowerCase()));
    const own = { index, prefix: segments(given), hosts, models: wanted('models') };
    const other = earlier.find(
      (one) => one.prefix === own.prefix && overlap(one.hosts, own.hosts) && overlap(one.models, own.models),
    );
    earlier.push(own);
    if (!other) continue;
    const shared = [...(own.hosts.size > 0 ? ['a host'] : []), ...(own.models.size > 0 ? ['a model'] : [])];
    const match = shared.length === 0 ? '' : `, and both match ${shared.join(' and ')}`;
    report(path, `must be unique, but upstreams[${other.index}] has the same${match}`);
  }
}

/** Prefixes match by whole segments: a slash more at the end makes no other prefix. */
function segments(path: string): string {
  return path.split('/').filter(Boolean).join('/');
}

function texts(list: unknown): ReadonlySet<string> {
  return new Set(Array.isArray(list) ? list.filter((entry) => typeof entry === 'string') : []);
}

/** One that asks for nothing is less specific than one that does, and comes after it: they do not overlap. */
function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === 0 ? b.size === 0 : [...a].some((entry) => b.has(entry));
}

function replicasAlike(upstream: Path, options: CheckOptions): void {
  const readable = givenUrls([...upstream, 'url'], options.value).flatMap(({ path, url }) =>
    url ? [{ path, url }] : [],
  );
  const first = new Map<string, Path>();
  for (const { path, url } of readable) {
    const earlier = first.get(url.host);
    const [one] = readable;
    if (earlier !== undefined)
      options.report(path, `must have a host and port of its own, but ${pathText(earlier)} has the same`);
    else first.set(url.host, path);
    if (one && one.url.protocol !== url.protocol) {
      options.report(path, `must be ${one.url.protocol.slice(0, -1)}, as ${pathText(one.path)} is`);
    }
  }
}

function modelsNamed(path: Path, { value, report }: CheckOptions): void {
  const models = [...path, 'match', 'models'];
  const protocol = value([...path, 'protocol']);
  if (NO_MODEL_NAMED.includes(protocol) && indices(value(models)).length > 0) {
    report(models, `must be left out, since protocol is ${String(protocol)}, whose requests name no model`);
  }
}

function roomForRequests(path: Path, { value, shown, report, reportKey }: CheckOptions): void {
  const at = [...path, 'requests_in_flight'];
  const given = value(at);
  const upstream = value(path);
  const queued = isMapping(upstream) && upstream.queue !== undefined;
  if (value([...path, 'protocol']) === 'mlflow-tracking') {
    const text = 'must be left out, since protocol is mlflow-tracking, whose servers have no inference requests';
    if (given !== undefined) report(at, text);
    if (queued) reportKey([...path, 'queue'], text);
    return;
  }
  const limit = ['limits', 'requests_in_flight'];
  const most = value(limit);
  if (typeof given === 'number' && typeof most === 'number' && given > most) {
    report(at, `must not exceed ${pathText(limit)}, ${shown(limit)}`);
  }
  if (queued && given === undefined) report(at, 'must be given, since there is a queue');
}
