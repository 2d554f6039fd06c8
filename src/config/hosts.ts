import { isIPv6 } from 'node:net';
import type { Address } from './values.ts';

/** Whether two listeners cannot be open at one time. A free port never clashes. */
export function overlaps(a: Address, b: Address): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  return pairs(a.host, b.host).some(([x, y]) => x === y || covers(x, y) || covers(y, x));
}

/** Whether a URL leads to a listener on this host, as far as addresses tell without a look-up. */
export function pointsAt(url: URL, listener: Address): boolean {
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  if (port !== listener.port) return false;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // Systems take a connection to the wildcard address as one to the loopback address.
  return pairs(host, listener.host).some(
    ([to, own]) => to === own || (isHere(to) && isHere(own) && (covers(own, to) || covers(to, own))),
  );
}

/** The wildcard `::` also takes IPv4 unless the system was told otherwise. */
function covers(wildcard: string, host: string): boolean {
  return wildcard === '::' || (wildcard === '0.0.0.0' && !isIPv6(host));
}

function isHere(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === '::1' || host.startsWith('127.');
}

function pairs(a: string, b: string): [string, string][] {
  return addresses(a).flatMap((x) => addresses(b).map((y): [string, string] => [x, y]));
}

function addresses(host: string): string[] {
  return host === 'localhost' || host.endsWith('.localhost') ? ['127.0.0.1', '::1'] : [host];
}
