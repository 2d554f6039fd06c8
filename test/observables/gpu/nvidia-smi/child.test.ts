import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { startChild, type ChildOptions } from '../../../../src/observables/gpu/nvidia-smi/child.ts';
import type { SampleError } from '../../../../src/observables/observable.ts';
import { deadlineIn } from '../../../../src/std/deadline.ts';
import { isRunning } from '../../../support/fake-nvidia-smi.ts';
import { until } from '../../../support/until.ts';

/** Longer than any test may take: what waits for it never ends. */
const HOUR = () => deadlineIn(3_600_000);
const LINUX = existsSync('/proc/self/stat') ? false : 'needs the /proc of Linux';

/** To signal 0 would be to signal all of ours. */
function pidsOf(lines: readonly string[]): number[] {
  return lines.map(Number).filter((pid) => pid > 1);
}

/** Starts a script of the shell. */
function start(t: TestContext, script: string, options: Partial<ChildOptions> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'child-'));
  const path = join(directory, 'program');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  const lines: string[] = [];
  const errors: SampleError[] = [];
  const child = startChild({
    path,
    args: [],
    onLine: (line) => void lines.push(line),
    onLineTooLong: () => assert.fail(),
    onErrorLine: () => {},
    onEnd: (error) => void errors.push(error),
    ...options,
  });
  t.after(() => {
    for (const pid of pidsOf(lines).filter(isRunning)) process.kill(pid, 'SIGKILL');
    rmSync(directory, { recursive: true });
  });
  return { child, path, lines, errors };
}

const refuse = () => {
  throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
};

describe('a program that runs for long', () => {
  it('has what it starts end with it, when it is stopped or killed or ends', async (t) => {
    const script = 'sleep 1000 & echo $!; echo $$';
    const stopped = start(t, `${script}; wait`);
    const killed = start(t, `${script}; wait`);
    const ended = start(t, script);
    const all = [stopped, killed, ended];
    await until('they have written', () => all.every(({ lines }) => lines.length === 2));
    await stopped.child.stop(HOUR());
    assert.equal(killed.child.kill(), true);
    await until('they have ended', () => all.every(({ errors }) => errors.length === 1));
    await until('nothing is left', () => !all.some(({ lines }) => pidsOf(lines).some(isRunning)));
  });

  it('is in a group of its own, so that what ends all of ours leaves it to us', { skip: LINUX }, async (t) => {
    const { child, lines } = start(t, 'echo $$; exec sleep 1000');
    await until('it has written', () => lines.length === 1);
    const [, group] = /\) \w \d+ (\d+)/.exec(readFileSync(`/proc/${lines[0] ?? ''}/stat`, 'latin1')) ?? [];
    assert.equal(group, lines[0]);
    await child.stop(HOUR());
  });

  it('is made to end when it does not want to, long before the deadline', async (t) => {
    const { child, lines, errors, path } = start(t, "trap '' TERM; echo $$; while :; do sleep 0.01; done");
    await until('it has written', () => lines.length === 1);
    await child.stop(HOUR());
    assert.deepEqual(
      errors.map(({ reason, message }) => `${reason}: ${message}`),
      [`exited: ${path} was ended by SIGKILL`],
    );
  });

  it('is left alone when nothing ends it, long before the deadline', async (t) => {
    const { child, lines, errors } = start(t, 'echo $$; exec sleep 1000', { kill: () => {} });
    await until('it has written', () => lines.length === 1);
    await child.stop(HOUR());
    assert.deepEqual(errors, []);
    assert.ok(isRunning(Number(lines[0])));
  });

  it('goes on when the system lets us not end it, and its next line ends it after it was stopped', async (t) => {
    const script = 'echo $$; while :; do echo; sleep 0.01; done';
    const { child, lines, errors } = start(t, script, { kill: refuse });
    await until('it has written', () => lines.length > 1);
    assert.equal(child.kill(), false);
    const { length } = lines;
    await until('it writes', () => lines.length > length);
    assert.deepEqual(errors, []);
    await child.stop(HOUR());
    await until('it has ended', () => errors.length === 1);
    assert.equal(isRunning(Number(lines[0])), false);
  });

  it('may be one that cannot be started', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'child-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const circle = join(directory, 'circle');
    symlinkSync(circle, circle);
    const cases: Record<string, RegExp> = {
      [join(directory, 'nothing')]: /^missing: there is no program .*nothing$/,
      // Node.js throws these two in step.
      [circle]: /^unreadable: .*circle cannot be started: spawn ELOOP$/,
      '': /^unreadable: .* cannot be started: .*empty/,
    };
    for (const [path, says] of Object.entries(cases)) {
      const { child, errors } = start(t, '', { path });
      await assert.rejects(child.started);
      assert.match(errors.map(({ reason, message }) => `${reason}: ${message}`).join(), says);
      assert.equal(child.kill(), true);
      await child.stop(HOUR());
    }
  });
});
