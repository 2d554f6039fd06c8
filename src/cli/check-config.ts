import { loadConfig } from '../config/index.ts';
import { EXIT, type ExitCode } from './exit.ts';
import type { Environment } from './environment.ts';

/** Says whether `serve` would start with this file; a dry run that opens no port. */
export async function checkConfig({ file }: { file: string }, environment: Environment): Promise<ExitCode> {
  const loaded = await loadConfig({ file, env: environment.env });
  if (!loaded.ok) return reportProblems(file, loaded.problems, environment);
  environment.stdout(`${file}: ok\n`);
  return EXIT.done;
}

export function reportProblems(file: string, problems: readonly string[], { stderr }: Environment): ExitCode {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  stderr([`${file}: ${count}`, ...problems.map((problem) => `  ${problem}`), ''].join('\n'));
  return EXIT.usage;
}
