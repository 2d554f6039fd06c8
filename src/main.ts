import { readFileSync } from 'node:fs';
import { runCli } from './cli/index.ts';

/**
 * Where the process begins: its arguments, environment, streams and signals are taken here and passed on. It also ends here,
 * at once, since an export that hung at the shutdown deadline cannot be taken back and would keep the process alive.
 */
export async function main(): Promise<void> {
  const exitCode = await runCli(process.argv.slice(2), {
    version: readVersion(),
    env: process.env,
    stdout: (text) => process.stdout.write(text),
    stderr: (text) => process.stderr.write(text),
    interrupted: () =>
      new Promise((resolve) => {
        let signals = 0;
        const onSignal = (): void => {
          if (++signals > 1) process.exit(1);
          resolve();
        };
        process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
      }),
  });
  await Promise.all(
    [process.stdout, process.stderr].map((stream) => new Promise((written) => stream.write('', written))),
  );
  process.exit(exitCode);
}

/** package.json is one folder above `src/` in the repo, two above `dist/src/` in the package. */
function readVersion(): string {
  const file = import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json';
  const { version } = JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as { version: string };
  return version;
}
