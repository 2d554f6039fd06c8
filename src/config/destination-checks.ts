import type { CheckOptions } from './checks.ts';
import { indices, isMapping, pathText, type Path } from './paths.ts';
import { readDuration, readText, readUpstreamUrl } from './values.ts';

/** Checks of where the gateway pushes to, and for how long. */
export function checkDestinations(options: CheckOptions): void {
  for (const index of indices(options.value(['push']))) {
    const path = ['push', index];
    // An export of the official exporter is not queued: the next one must not begin before it has ended.
    if (options.value(['telemetry', 'engine']) === 'sdk')
      notLonger([...path, 'timeout'], [...path, 'interval'], options);
    notLonger([...path, 'retry', 'initial_interval'], [...path, 'retry', 'max_interval'], options);
    const endpoint = [...path, 'endpoint'];
    const url = readText(options.value(endpoint), (text) => readUpstreamUrl(text)?.href);
    pathFits(endpoint, [...path, 'protocol'], options);
    tlsFits({ tls: [...path, 'tls'], urls: [{ path: endpoint, url }] }, options);
  }
}

/** The path of a call is gRPC's to set. */
function pathFits(endpoint: Path, protocol: Path, { value, report }: CheckOptions): void {
  const url = readText(value(endpoint), readUpstreamUrl);
  if (url === undefined || value(protocol) !== 'grpc' || url.pathname === '/') return;
  report(endpoint, `must have no path, since ${pathText(protocol)} is grpc`);
}

/** @param interval the most that it may be. */
export function notLonger(path: Path, interval: Path, { value, shown, report }: CheckOptions): void {
  const [own, most] = [path, interval].map((at) => readText(value(at), readDuration));
  if (own !== undefined && most !== undefined && own > most) {
    report(path, `must not exceed ${pathText(interval)}, ${shown(interval)}`);
  }
}

/** @param urls whose connections the files are for; what could not be read is undefined. */
export function tlsFits(
  { tls, urls }: { tls: Path; urls: readonly { path: Path; url: string | undefined }[] },
  { value, report }: CheckOptions,
): void {
  const given = value(tls);
  if (!isMapping(given)) return;
  for (const { path, url } of urls) if (url?.startsWith('http:')) report(path, 'must be https, since there is tls');
  const [other] = ['cert_file', 'key_file'].filter((key) => given[key] === undefined);
  if (other !== undefined && (given.cert_file ?? given.key_file) !== undefined) {
    report([...tls, other], 'must be given, since cert_file and key_file go together');
  }
}
