import { BlockList, isIP, isIPv6 } from 'node:net';

type Env = Readonly<Record<string, string | undefined>>;

/** A proxy has another idea of where that is. */
const HERE = ['localhost', '127.0.0.0/8', '::1'];

/**
 * What `http_proxy`, `https_proxy` and `no_proxy` say of an endpoint, in lower case or, where that is not set, in upper case. As in Go, what is
 * on this host is never behind a proxy.
 *
 * Source: https://pkg.go.dev/golang.org/x/net/http/httpproxy
 *
 * @returns undefined = it is reached without one. Without `url`: what the variable `name` holds cannot be read. The URL has credentials.
 */
export function proxyVariable(endpoint: string, env: Env): { name: string; url?: string } | undefined {
  const { protocol, hostname, port } = new URL(endpoint);
  const isTls = protocol === 'https:';
  const name = nameOf(isTls ? 'https_proxy' : 'http_proxy', env);
  if (name === undefined) return undefined;
  const receiver = { host: hostname.replace(/^\[|\]$|\.$/g, ''), port: port || (isTls ? '443' : '80') };
  const excluded = [...HERE, ...(env[nameOf('no_proxy', env) ?? ''] ?? '').split(/[\s,]+/)];
  if (excluded.some((entry) => covers(entry, receiver))) return undefined;
  const url = readProxyUrl(env[name]?.trim() ?? '');
  return { name, ...(url !== undefined && { url }) };
}

function nameOf(variable: string, env: Env): string | undefined {
  return [variable, variable.toUpperCase()].find((name) => env[name]?.trim());
}

function readProxyUrl(text: string): string | undefined {
  try {
    const url = new URL(text.includes('://') ? text : `http://${text}`);
    decodeURIComponent(url.username + url.password);
    return /^https?:$/.test(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}

/** `*`; a name, for itself and those below it; a name with a dot before it, for those below it only; an address; a network. `:port` may follow. */
function covers(entry: string, { host, port }: { host: string; port: string }): boolean {
  const parts = isIPv6(entry) ? undefined : /^(?<name>.*):(?<only>\d+)$/.exec(entry)?.groups;
  const { name = entry, only = port } = parts ?? {};
  if (name === '' || only !== port) return false;
  const [address = '', bits = '128'] = name.replace(/^\[|\]$/g, '').split('/');
  if (name === '*') return true;
  if (isIP(host) !== 0) return isIP(address) !== 0 && /^\d{1,3}$/.test(bits) && isWithin(host, address, Number(bits));
  const below = `.${name.toLowerCase().replace(/^\*?\./, '')}`;
  return host.endsWith(below) || (!/^\*?\./.test(name) && `.${host}` === below);
}

function isWithin(host: string, address: string, bits: number): boolean {
  const familyOf = (text: string) => (isIPv6(text) ? 'ipv6' : 'ipv4');
  const network = new BlockList();
  network.addSubnet(address, Math.min(bits, isIPv6(address) ? 128 : 32), familyOf(address));
  return network.check(host, familyOf(host));
}
