import { readFileSync } from 'node:fs';
import { EXIT, type ExitCode } from './cli/exit.ts';
import { runCli } from './cli/index.ts';
import { errorText } from './std/error-text.ts';

/**
 * Where the process begins: its arguments, environment, streams and signals are taken here and passed on. It also ends here,
 * at once, since an export that hung at the shutdown deadline cannot be taken back and would keep the process alive.
 */
export async function main(): Promise<void> {
  const exitCode = await run();
  for (const stream of [process.stdout, process.stderr]) await new Promise((written) => stream.write('', written));
  process.exit(exitCode);
}

async function run(): Promise<ExitCode> {
  try {
    return await runCli(process.argv.slice(2), {
      version: readVersion(),
      env: process.env,
      stdout: (text) => process.stdout.write(text),
      stderr: (text) => process.stderr.write(text),
      interrupted,
    });
  } catch (error) {
    process.stderr.write(`metergate: ${error instanceof Error ? error.message : errorText(error)}\n`);
    return EXIT.failed;
  }
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    let signals = 0;
    const onSignal = (): void => {
      if (++signals > 1) process.exit(EXIT.failed);
      resolve();
    };
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  });
}

/** package.json is one folder above `src/` in the repo, two above `dist/src/` in the package. */
function readVersion(): string {
  const file = import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json';
  const { version } = JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as { version: string };
  return version;
}
