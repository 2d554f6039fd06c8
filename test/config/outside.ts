import type { ParseOptions } from '../../src/config/index.ts';

/** What the fixtures find outside of the file: a fresh environment and two files. */
export function outside(env: Record<string, string> = {}): Pick<ParseOptions, 'env' | 'readFile'> {
  const files: Readonly<Record<string, string>> = { '/run/secrets/otlp': 'from-file\n', '/secret': 'hidden-in-a-file' };
  return {
    env: {
      PORT: '7000',
      LIMIT: '77',
      NAME: '123',
      URL: 'http://127.0.0.1:8080',
      TIMEOUT: '250ms',
      PULL: 'false',
      SECRET: 'hidden in a variable',
      UMLAUT: 'ä',
      ...env,
    },
    readFile: (path) => {
      const content = files[path];
      if (content === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { errno: -2 });
      return content;
    },
  };
}
