import { loadConfig } from '../config/index.ts';
import { EXIT, type ExitCode } from './exit.ts';
import type { Environment } from './environment.ts';

/** Says whether `serve` would start with this file; a dry run that opens no port. */
export async function checkConfig({ file }: { file: string }, environment: Environment): Promise<ExitCode> {
  const loaded = await loadConfig({ file, env: environment.env });
  if (!loaded.ok) return reportProblems(file, loaded.problems, environment);
  environment.stdout(`${file}: ok\n`);
  if (loaded.warnings.length > 0) environment.stderr(listText(file, 'warning', loaded.warnings));
  return EXIT.done;
}

export function reportProblems(file: string, problems: readonly string[], { stderr }: Environment): ExitCode {
  stderr(listText(file, 'problem', problems));
  return EXIT.usage;
}

function listText(file: string, what: string, messages: readonly string[]): string {
  const count = messages.length === 1 ? `1 ${what}` : `${messages.length} ${what}s`;
  return [`${file}: ${count}`, ...messages.map((message) => `  ${message}`), ''].join('\n');
}
