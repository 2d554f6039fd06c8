import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { hear, type RecorderOptions, type Sayings } from './protocol.ts';

/** The same in all lives. */
export type Person = Omit<RecorderOptions, 'firstStep' | 'acknowledgedMax' | 'shutdownMs'>;

export interface Kill {
  readonly afterMs: number;
  /** From what on: from when it is made, when it has not yet opened its queue, or from when it has said one of these. */
  readonly since?: RegExp | undefined;
}

const LAST_LIFE_MS_MAX = 300_000;

export async function liveAndDie(person: Person, kill: Kill, sayings: Sayings): Promise<void> {
  const code = await live({ ...person, firstStep: nextStep(sayings), shutdownMs: 0 }, { kill, sayings });
  if (code !== null) throw new Error(`it ended by itself, with ${code}`);
}

/** Records until a few steps are acknowledged, sends all that there is, and ends. @throws if it fails. */
export async function liveOut(person: Person, sayings: Sayings): Promise<void> {
  const options = { ...person, firstStep: nextStep(sayings), acknowledgedMax: 3, shutdownMs: 60_000 };
  const code = await live(options, { kill: { afterMs: LAST_LIFE_MS_MAX }, sayings });
  if (code !== 0) throw new Error(`it ended with ${code ?? 'the patience of the test'}`);
}

/** The first step that no life has recorded. */
export function nextStep({ recorded }: Sayings): number {
  return Math.max(0, ...recorded.keys()) + 1;
}

/** @returns how it ended; null = it was killed. */
async function live(
  options: RecorderOptions,
  { kill, sayings }: { kill: Kill; sayings: Sayings },
): Promise<number | null> {
  const recorder = spawn(process.execPath, [join(import.meta.dirname, 'recorder.ts'), JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const killWithUs = (): void => void recorder.kill('SIGKILL');
  process.once('exit', killWithUs);
  const ended = new AbortController();
  const closed = once(recorder, 'close') as Promise<[number | null]>;
  let said = '';
  const begun = Promise.withResolvers<undefined>();
  recorder.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (kill.since?.test(said) === true) begun.resolve(undefined);
  });
  void (kill.since === undefined ? Promise.resolve() : begun.promise)
    .then(() => setTimeout(kill.afterMs, undefined, { signal: ended.signal }))
    .then(killWithUs, () => undefined);
  const [code] = await closed;
  ended.abort();
  process.off('exit', killWithUs);
  hear(said, sayings);
  return code;
}
