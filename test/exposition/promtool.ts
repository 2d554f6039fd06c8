import { spawnSync } from 'node:child_process';

const missing = spawnSync('promtool', ['--version']).error !== undefined;

/** Why the tests that need promtool are skipped; false = they are not. */
export const withoutPromtool = missing && 'promtool is not on PATH (it comes with Prometheus)';

/** @returns what the real parser says against the page; undefined = it parses, with whatever lint. */
export function parseError(page: string): string | undefined {
  const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: page, encoding: 'utf8' });
  // 3 = it parses, but the linter has something to say.
  return status === 0 || status === 3 ? undefined : `exit ${String(status)}: ${stderr}`;
}
