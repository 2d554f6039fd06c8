import type { CheckOptions } from './checks.ts';
import { indices, isMapping, pathText, type Path } from './paths.ts';
import { readDuration, readEndpoint, readText } from './values.ts';

/** Checks of where the gateway connects to and for how long, and of what is pushed there. */
export function checkDestinations(options: CheckOptions): void {
  for (const index of indices(options.value(['push']))) {
    const path = ['push', index];
    notLonger([...path, 'timeout'], [...path, 'interval'], options);
    const endpoint = [...path, 'endpoint'];
    const url = readText(options.value(endpoint), readEndpoint);
    tlsFits({ tls: [...path, 'tls'], urls: [{ path: endpoint, url }] }, options);
  }
}

/** What is repeated must not begin anew before it has ended. */
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
