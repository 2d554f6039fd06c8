import { isIPv4, isIPv6, SocketAddress } from 'node:net';

/** Where to listen. `host` is a name, an IPv4 address or an IPv6 address without brackets; `port` 0 = a free one. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const MILLISECONDS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const BYTES = {
  B: 1,
  kB: 1000,
  KiB: 1024,
  MB: 1000_000,
  MiB: 1024 ** 2,
  GB: 1000 ** 3,
  GiB: 1024 ** 3,
  TB: 1000 ** 4,
  TiB: 1024 ** 4,
} as const;

/** @returns milliseconds of `500ms`, `5s`, `1m`, `1h`, `1d`; undefined for anything else. */
export function readDuration(text: string): number | undefined {
  return readWithUnit(text, MILLISECONDS);
}

/** @returns `500ms` for `500`, from 1 ms to a day, as the OTEL_* variables count; undefined for anything else. */
export function readMilliseconds(text: string): string | undefined {
  return /^[1-9]\d{0,7}$/.test(text) && Number(text) <= MILLISECONDS.d ? `${text}ms` : undefined;
}

/** @returns bytes of `512B`, `16KiB`, `1MiB`, `1GiB`, `1TiB`, `16kB`, `1MB`, `1GB`, `1TB`; undefined for anything else. */
export function readSize(text: string): number | undefined {
  return readWithUnit(text, BYTES);
}

/** Reads `host:port` and `[v6]:port`; the host is required. */
export function readAddress(text: string): Address | undefined {
  const { v6, name, port } = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:[\]]+)):(?<port>\d{1,5})$/.exec(text)?.groups ?? {};
  const host = v6 === undefined ? readHostName(name ?? '') : readIPv6(v6);
  return host !== undefined && Number(port) <= 65535 ? { host, port: Number(port) } : undefined;
}

/** An http or https URL, base path allowed, without user information, query or fragment. */
export function readUpstreamUrl(text: string): URL | undefined {
  // The parser would repair more than a reader expects: `http:host`, blanks, back slashes.
  if (!/^https?:\/\/[^\s\\?#@]+$/i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.port === '0' ? undefined : url;
}

/** An http or https URL of a host and a port, without a path. @returns `http://host:port` */
export function readEndpoint(text: string): string | undefined {
  const url = readUpstreamUrl(text);
  return url?.pathname === '/' ? url.origin : undefined;
}

/**
 * Where a destination is: over gRPC an endpoint; over HTTP the URL that is posted to, which gets `/v1/metrics` where the text has no path.
 * A slash alone is a path.
 */
export function readDestination(text: string, protocol: unknown): string | undefined {
  if (protocol !== 'http/protobuf') return readEndpoint(text);
  const url = readUpstreamUrl(text);
  return url && /:\/\/[^/]+$/.test(text) ? `${url.origin}/v1/metrics` : url?.href;
}

/** @returns a host name in lower case, without a port; undefined for anything else, an address as well. */
export function readServerName(text: string): string | undefined {
  return isIPv4(text) ? undefined : readHost(text);
}

/** Reads a host name or an IPv4 address without a port; `*.` before a name stands for all names below it. */
export function readHostPattern(text: string): string | undefined {
  if (!text.startsWith('*.')) return readHost(text);
  const name = readServerName(text.slice(2));
  return name === undefined ? undefined : `*.${name}`;
}

/** @returns the size in the largest unit that gives a whole number. */
export function sizeText(bytes: number): string {
  const [unit, factor] = Object.entries({ GiB: BYTES.GiB, MiB: BYTES.MiB, KiB: BYTES.KiB }).find(
    ([, factor]) => bytes % factor === 0,
  ) ?? ['B', 1];
  return `${bytes / factor}${unit}`;
}

/** @returns what `read` makes of a text; undefined for what is none. */
export function readText<T>(value: unknown, read: (text: string) => T | undefined): T | undefined {
  return typeof value === 'string' ? read(value) : undefined;
}

/** @returns a reader of texts that match. */
export function matching(pattern: RegExp): (text: string) => string | undefined {
  return (text) => (pattern.test(text) ? text : undefined);
}

function readWithUnit(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const { count, unit = '' } = /^(?<count>\d{1,15})(?<unit>[a-zA-Z]+)$/.exec(text)?.groups ?? {};
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  return factor === undefined ? undefined : Number(count) * factor;
}

/** Stricter than where to listen: what no Host header can hold would never match. */
function readHost(text: string): string | undefined {
  const labels = /^[a-z\d_]([a-z\d_-]*[a-z\d_])?(\.[a-z\d_]([a-z\d_-]*[a-z\d_])?)*$/i;
  return text.length <= 253 && labels.test(text) ? readHostName(text) : undefined;
}

function readHostName(text: string): string | undefined {
  // Digits and dots only, and yet no address: a mistyped one, not a name.
  if (/^[\d.]+$/.test(text)) return isIPv4(text) ? text : undefined;
  return /^[a-z\d_]([a-z\d_.-]*[a-z\d_.])?$/i.test(text) ? text.toLowerCase() : undefined;
}

function readIPv6(text: string): string | undefined {
  return isIPv6(text) ? new SocketAddress({ address: text, family: 'ipv6' }).address : undefined;
}
