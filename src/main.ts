import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { EXIT, type ExitCode } from './cli/exit.ts';
import { runCli } from './cli/index.ts';
import { errorText } from './std/error-text.ts';

/**
 * Where the process begins: its arguments, environment, streams and signals are taken here and passed on. It also ends here,
 * at once, since an export that hung at the shutdown deadline cannot be taken back and would keep the process alive.
 */
export async function main(): Promise<void> {
  countBuffersInGlobalLimit();
  const exitCode = await run();
  await Promise.race([Promise.all([flushed(process.stdout), flushed(process.stderr)]), sleep(FLUSH_MS)]);
  process.exit(exitCode);
}

/** Who reads us may have stopped reading. */
const FLUSH_MS = 1_000;

function flushed(stream: NodeJS.WriteStream): Promise<unknown> {
  // A pipe that is closed is an error to whoever writes to it, also for the last time.
  stream.on('error', () => {});
  return new Promise((written) => stream.write('', written));
}

/**
 * By default V8 marks all of the heap each time that 64 MB of buffers have come and gone, however much memory there is: with bodies of 1 MiB that
 * is 15 times a second. Counted like any other memory they are collected as they should be, and 1.8 times as many such requests pass. Node.js 22
 * does not know the flag.
 */
export function countBuffersInGlobalLimit(): void {
  if (Number.parseInt(process.versions.node, 10) >= 24)
    setFlagsFromString('--external-memory-accounted-in-global-limit');
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
