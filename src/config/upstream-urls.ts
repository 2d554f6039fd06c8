import { indices, type Path } from './paths.ts';
import { readText, readUpstreamUrl } from './values.ts';

export interface GivenUrl {
  readonly path: Path;
  /** Undefined where it is none, which the schema has reported. */
  readonly url: URL | undefined;
}

/** @param value reads the file. @returns each URL of a key that is one or a list of them. */
export function givenUrls(path: Path, value: (path: Path) => unknown): GivenUrl[] {
  const given = value(path);
  const paths = Array.isArray(given) ? indices(given).map((index) => [...path, index]) : [path];
  return paths.map((at) => ({ path: at, url: readText(value(at), readUpstreamUrl) }));
}
