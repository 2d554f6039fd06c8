import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { deadlineIn } from '../../../src/std/deadline.ts';
import type { RunningProxy } from './running-proxy.ts';

export type LoggedLine = Readonly<Record<string, unknown>>;

/** A file that is not there yet, in a folder that is gone when the test is over. */
export async function fileToLogTo(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'metergate-access-log-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'access.jsonl');
}

/** Whole lines of JSON, or the text is no log. */
export function linesOf(text: string): LoggedLine[] {
  if (text === '') return [];
  assert.ok(text.endsWith('\n'), `cut off: ${text.slice(-200)}`);
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line) as LoggedLine);
}

/** What is in the file when the proxy has been shut down. */
export async function linesAfter({ proxy }: RunningProxy, path: string): Promise<LoggedLine[]> {
  await proxy.shutdown(deadlineIn(5_000));
  return linesOf(await readFile(path, 'utf8'));
}
