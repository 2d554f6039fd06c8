import { isIP } from 'node:net';
import type { CheckOptions } from './checks.ts';
import { headerNameFault } from './header-names.ts';
import { indices, isMapping, type Path } from './paths.ts';
import { proxyVariable } from './proxy-variables.ts';
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
    nameFits(endpoint, options);
    headersApart([...path, 'headers'], options);
    if (url !== undefined) proxyFits({ endpoint, url, protocol: [...path, 'protocol'] }, options);
  }
}

/** The path of a call is gRPC's to set. */
function pathFits(endpoint: Path, protocol: Path, { value, report, named }: CheckOptions): void {
  const url = readText(value(endpoint), readUpstreamUrl);
  if (url === undefined || value(protocol) !== 'grpc' || url.pathname === '/') return;
  report(endpoint, `must have no path, since ${named(protocol)} is grpc`);
}

/** The official exporter gives TLS the host as the server name, which Node.js refuses of an address since version 26. */
function nameFits(endpoint: Path, { value, report }: CheckOptions): void {
  const url = readText(value(endpoint), readUpstreamUrl);
  if (url?.protocol !== 'https:' || isIP(url.hostname.replace(/^\[|\]$/g, '')) === 0) return;
  if (value(['telemetry', 'engine']) !== 'sdk' || Number.parseInt(process.versions.node) < 26) return;
  report(endpoint, 'must have a name as its host, since telemetry.engine is sdk: only native does TLS to an address');
}

/** The schema makes one header of names that differ in case only, and does not see `__proto__`. */
function headersApart(headers: Path, { value, named, reportKey }: CheckOptions): void {
  const given = value(headers);
  const first = new Map<string, Path>();
  for (const name of Object.keys(isMapping(given) ? given : {})) {
    const path = [...headers, name];
    const fault = headerNameFault(name);
    const earlier = first.get(name.toLowerCase());
    if (fault !== undefined) reportKey(path, `must have another key: ${fault}`);
    else if (earlier !== undefined)
      reportKey(path, `must be unique, but ${named(earlier)} is the same in another case`);
    else first.set(name.toLowerCase(), path);
  }
}

/** To go past a proxy that cannot be read would be to go where nobody meant to. */
function proxyFits(
  { endpoint, url, protocol }: { endpoint: Path; url: string; protocol: Path },
  { env, value, named, reportKey, warn }: CheckOptions,
): void {
  const { name, url: proxy } = proxyVariable(url, env) ?? {};
  if (name === undefined) return;
  if (value(protocol) !== 'http/protobuf') {
    if (value(['telemetry', 'engine']) !== 'sdk')
      warn(
        endpoint,
        `is reached past the proxy of ${name}, since ${named(protocol)} is grpc: only http/protobuf heeds it`,
      );
  } else if (proxy === undefined)
    reportKey(endpoint, `is reached through the proxy of ${name}, which must be an http or https URL`);
}

/** @param interval the most that it may be. */
export function notLonger(path: Path, interval: Path, { value, shown, named, report }: CheckOptions): void {
  const [own, most] = [path, interval].map((at) => readText(value(at), readDuration));
  if (own !== undefined && most !== undefined && own > most) {
    report(path, `must not exceed ${named(interval)}, ${shown(interval)}`);
  }
}

/** @param urls whose connections the files are for; what could not be read is undefined. */
export function tlsFits(
  { tls, urls }: { tls: Path; urls: readonly { path: Path; url: string | undefined }[] },
  { value, named, report }: CheckOptions,
): void {
  const given = value(tls);
  if (!isMapping(given)) return;
  for (const { path, url } of urls)
    if (url?.startsWith('http:')) report(path, `must be https, since there is ${named(tls)}`);
  const pair = ['cert_file', 'key_file'];
  const [other] = pair.filter((key) => given[key] === undefined);
  const [one] = pair.filter((key) => given[key] !== undefined);
  if (one !== undefined && other !== undefined) {
    report([...tls, other], `must be given, since ${named([...tls, one])} is there`);
  }
}
