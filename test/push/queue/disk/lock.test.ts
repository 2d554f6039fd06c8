import assert from 'node:assert/strict';
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { isLockFile } from '../../../../src/push/queue/disk/lock-file.ts';
import { acquireLock, type Lock, LockHeldError } from '../../../../src/push/queue/disk/lock.ts';
import { createPlaces, type Places } from '../../../../src/push/queue/disk/places.ts';
import { identifyProcess } from '../../../../src/push/queue/disk/process-identity.ts';
import { until } from '../../../support/until.ts';
import type { LockRequest } from './lock-program.ts';

const root = mkdtempSync(join(tmpdir(), 'metergate-lock-'));
const children: ChildProcess[] = [];
const mounted: string[] = [];
after(() => {
  for (const child of children) child.kill('SIGKILL');
  for (const directory of mounted) spawnSync('umount', [directory]);
  rmSync(root, { recursive: true });
});

const LONG = process.env.METERGATE_LONG === '1';
/** Who can tell by the process alone need not wait so long. */
const NEVER_STALE = 3_600_000;
/** What a process that is not there any more has in the name of its lock: of this machine, with the id of this one, and of another. */
const dead = (await identifyProcess())?.replace(/\.\d+\./, '.1.').replace(/^/, '.') ?? '';
const elsewhere = `.${process.pid}.1.${'f'.repeat(16)}`;
const left = 'process 7 of host elsewhere, since 2026-01-01T00:00:00.000Z';
const linuxOnly = { skip: process.platform !== 'linux' && 'processes are told apart by /proc, which is of Linux' };

describe('the lock of a folder', () => {
  it('is one file that only its owner may read, and nothing is left when it is released', async () => {
    const directory = createFolder();
    const lock = await acquire(directory);
    const names = await readdir(directory);
    assert.equal(names.length, 1);
    assert.ok(names.every(isLockFile));
    assert.equal((await stat(join(directory, names[0] ?? ''))).mode & 0o777, 0o600);
    await lock.release();
    assert.deepEqual(await readdir(directory), []);
    await lock.release();
    await (await acquire(directory)).release();
  });

  it('is refused with the folder, the process, its host and its time, also within one process', async () => {
    const directory = createFolder();
    const beganMs = Date.now();
    const lock = await acquire(directory);
    await assert.rejects(acquire(directory), (error: Error) => {
      assert.ok(error instanceof LockHeldError);
      const said = `${directory} belongs to process ${process.pid} of host ${hostname()}, since `;
      assert.equal(error.message.slice(0, said.length), said);
      const sinceMs = Date.parse(error.message.slice(said.length));
      assert.ok(sinceMs >= beganMs && sinceMs <= Date.now());
      return true;
    });
    await lock.release();
  });

  it('is refused with the error of the system where there is no such folder', async () => {
    await assert.rejects(acquire(join(root, 'nowhere')), { code: 'ENOENT' });
  });

  it('is to be had where the disk is full, and is then refused to others all the same', async (t) => {
    const directory = createFolder();
    if (!mountTiny(directory)) {
      t.skip('this user cannot mount a small disk');
      return;
    }
    await writeFile(join(directory, 'full'), Buffer.alloc(4096));
    const lock = await acquire(directory);
    await assert.rejects(acquire(directory), { code: 'lock_held', message: new RegExp(`${process.pid}`) });
    await lock.release();
    assert.deepEqual(await readdir(directory), ['full']);
  });

  it('is free at once where the disk is full and its owner was killed', async (t) => {
    const directory = createFolder();
    if (!mountTiny(directory)) {
      t.skip('this user cannot mount a small disk');
      return;
    }
    await writeFile(join(directory, 'full'), Buffer.alloc(4096));
    const child = await startProgram();
    assert.equal(await ask(child, { do: 'acquire', directory }), 'owner');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await acquire(directory)).release();
  });

  it('is released even where the folder is gone', async () => {
    const directory = createFolder();
    const lock = await acquire(directory);
    rmSync(directory, { recursive: true });
    await lock.release();
  });

  it('takes nothing else in the folder for a lock', () => {
    for (const name of [
      'lock',
      'lock.',
      'lock.1',
      `lock.${'0'.repeat(15)}g`,
      `lock.${'0'.repeat(17)}`,
      `lock.${'0'.repeat(16)}.1`,
      `lock.${'0'.repeat(16)}.1.2.${'3'.repeat(17)}`,
      `lock.${'0'.repeat(16)}.1.undefined.${'3'.repeat(16)}`,
      '0000000000000001.seg',
    ])
      assert.equal(isLockFile(name), false, name);
  });

  it('does not keep a process from ending', async () => {
    const directory = createFolder();
    const child = await startProgram();
    child.send({ do: 'acquire and disconnect', directory } satisfies LockRequest);
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });
});

describe('when the owner is gone, the lock', () => {
  it('of a process that was killed is free at once', linuxOnly, async () => {
    const directory = createFolder();
    const child = await startProgram();
    assert.equal(await ask(child, { do: 'acquire', directory }), 'owner');
    await assert.rejects(acquire(directory), LockHeldError);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await acquire(directory)).release();
    assert.deepEqual(await readdir(directory), []);
  });

  it('of a process that was killed and that nobody has waited for is free at once', linuxOnly, async () => {
    const directory = createFolder();
    // `sleep` has a child then of which it does not know.
    const program = `
      import { acquireLock } from '${join(import.meta.dirname, '../../../../src/push/queue/disk/lock.ts')}';
      await acquireLock({ directory: '${directory}', onLost: () => {} });
      process.kill(process.pid, 'SIGKILL');`;
    const shell = spawn('sh', ['-c', '"$0" --input-type=module -e "$1" & exec sleep 60', process.execPath, program]);
    children.push(shell);
    const path = await untilThere(directory);
    await untilState(pidOf(path), 'Z');
    await (await acquire(directory)).release();
    assert.deepEqual(await readdir(directory), []);
  });

  it('of a process of which the id was given to another one is free at once', linuxOnly, async () => {
    const directory = createFolder();
    await leaveLock(directory, dead);
    await (await acquire(directory)).release();
    assert.deepEqual(await readdir(directory), []);
  });

  for (const [name, identity] of Object.entries({
    'of another machine or container': elsewhere,
    'without /proc': '',
  })) {
    it(`of a process ${name} is free when it has not shown for a while that it is alive`, async () => {
      const directory = createFolder();
      await leaveLock(directory, identity);
      await (await acquire(directory, { staleMs: 100 })).release();
      assert.deepEqual(await readdir(directory), []);
    });

    it(`of a process ${name} is refused while it shows that it is alive, whatever its clock says`, async () => {
      const directory = createFolder();
      const path = await leaveLock(directory, identity);
      let seconds = 0;
      const alive = setInterval(() => void utimes(path, ++seconds, seconds), 20).unref();
      await assert.rejects(acquire(directory), { code: 'lock_held', message: `${directory} belongs to ${left}` });
      clearInterval(alive);
    });
  }

  for (const [name, content] of Object.entries({
    empty: '',
    garbage: '\0{]',
    'of another kind': 'process\n\u001b[31m',
  })) {
    it(`is refused by the name of the file where that is ${name}`, async () => {
      const directory = createFolder();
      const lock = await acquire(directory);
      const path = await untilThere(directory);
      await writeFile(path, content);
      const message = `${directory} belongs to a process that is alive, by ${path}`;
      await assert.rejects(acquire(directory), { code: 'lock_held', message });
      await lock.release();
    });
  }

  it('is refused by name where the lock file is a folder', async () => {
    const directory = createFolder();
    const path = join(directory, lockName(''));
    await mkdir(path);
    await assert.rejects(acquire(directory), { message: `${path} has the name of a lock file, but is none` });
    assert.equal((await readdir(directory)).length, 1);
  });
});

describe('who loses the lock', () => {
  it('is told once, and releasing it then takes it from nobody', async () => {
    const directory = createFolder();
    const messages: string[] = [];
    const lost = await acquire(directory, { heartbeatMs: 5, onLost: (message) => messages.push(message) });
    const path = await untilThere(directory);
    await unlink(path);
    while (messages.length === 0) await pause();
    const lock = await acquire(directory);
    await pause();
    assert.deepEqual(messages, [
      `${path} is gone: another process, for which this one seemed dead, has taken the folder over`,
    ]);
    await lost.release();
    await assert.rejects(acquire(directory), LockHeldError);
    await lock.release();
  });

  it('is told that the folder was removed, where it was', async () => {
    const directory = createFolder();
    const lost: unknown[] = [];
    const lock = await acquire(directory, { heartbeatMs: 5, onLost: (...all) => lost.push(all) });
    const path = await untilThere(directory);
    rmSync(directory, { recursive: true });
    while (lost.length === 0) await pause();
    assert.deepEqual(lost, [[`${path} is gone: somebody has removed the folder, and what was in it`, 'removed']]);
    await lock.release();
  });

  it('is told nothing when it was released before', async () => {
    const directory = createFolder();
    const lock = await acquire(directory, { heartbeatMs: 1, onLost: assert.fail });
    await pause();
    await lock.release();
    await pause();
  });

  it('is told when it goes on after it was stopped', linuxOnly, async () => {
    const directory = createFolder();
    const child = await startProgram();
    assert.equal(await ask(child, { do: 'acquire', directory }), 'owner');
    child.kill('SIGSTOP');
    const path = await untilThere(directory);
    await untilState(pidOf(path), 'T');
    // From here on as one of another container would find it.
    await rename(path, join(directory, lockName(elsewhere)));
    const lock = await acquire(directory, { staleMs: 300 });
    const told = once(child, 'message');
    child.kill('SIGCONT');
    assert.match(String(await told), /is gone: another process/);
    assert.equal(await ask(child, { do: 'acquire', directory }), 'held');
    await lock.release();
  });
});

describe('the calls of a lock to the disk', () => {
  it('all have a place, from the first to the last', async () => {
    const directory = createFolder();
    await leaveLock(directory, elsewhere);
    const { places, calls } = countedPlaces();
    const lock = await acquire(directory, { places, heartbeatMs: NEVER_STALE, staleMs: 0 });
    // What others have is looked for and read, then one's own is written, then all that again; and the dead one's is removed.
    assert.equal(calls(), 6);
    await lock.release();
    assert.equal(calls(), 7);
    assert.deepEqual(await readdir(directory), []);
  });

  it('have none while the lock waits to see whether another owner is alive', async () => {
    const directory = createFolder();
    await leaveLock(directory, elsewhere);
    const { places, calls, underWay } = countedPlaces();
    const waiting = acquire(directory, { places });
    await until('it has looked, and waits', () => calls() >= 2 && underWay() === 0);
    await unlink(await untilThere(directory));
    await (await waiting).release();
  });

  it('wait for their place, also when it is released', async () => {
    const directory = createFolder();
    const places = createPlaces(1);
    const lock = await acquire(directory, { places });
    const { promise: disk, resolve: moveOn } = Promise.withResolvers<undefined>();
    const stuck = places.run(() => disk);
    const released = lock.release();
    const next = acquire(directory, { places });
    await pause();
    assert.equal((await readdir(directory)).length, 1);
    moveOn(undefined);
    await stuck;
    await released;
    await (await next).release();
  });
});

describe('of many processes that want the folder at one time, exactly one gets it', () => {
  const before: Record<string, (directory: string) => Promise<unknown>> = {
    'when nobody has had it': () => Promise.resolve(),
    'when its owner was killed': (directory) => leaveLock(directory, dead),
    'when its owner was elsewhere': (directory) => leaveLock(directory, elsewhere),
    'when there are many that are dead': async (directory) => {
      for (let index = 0; index < 5; index += 1) await leaveLock(directory, elsewhere);
    },
  };
  for (const [name, prepare] of Object.entries(before)) {
    it(name, async () => {
      const programs = await Promise.all(Array.from({ length: LONG ? 24 : 6 }, startProgram));
      for (let round = 0; round < (LONG ? 100 : 5); round += 1) {
        const directory = createFolder();
        await prepare(directory);
        const answers = await Promise.all(
          programs.map((program) => ask(program, { do: 'acquire', directory, staleMs: 150 })),
        );
        assert.deepEqual(answers.toSorted(), [...programs.slice(1).map(() => 'held'), 'owner']);
        const owner = programs[answers.indexOf('owner')];
        assert.ok(owner);
        assert.equal(await ask(owner, { do: 'release', directory }), 'released');
        assert.deepEqual(await readdir(directory), []);
      }
      for (const program of programs) program.disconnect();
    });
  }
});

/** As many as are wanted. */
function countedPlaces(): { places: Places; calls: () => number; underWay: () => number } {
  let [calls, underWay] = [0, 0];
  const run = async <T>(work: () => Promise<T>): Promise<T> => {
    calls++;
    underWay++;
    return await work().finally(() => underWay--);
  };
  return { places: { run }, calls: () => calls, underWay: () => underWay };
}

async function acquire(directory: string, options: Partial<Parameters<typeof acquireLock>[0]> = {}): Promise<Lock> {
  return acquireLock({ directory, onLost: assert.fail, heartbeatMs: 20, staleMs: NEVER_STALE, ...options });
}

function lockName(identity: string): string {
  return `lock.${randomBytes(8).toString('hex')}${identity}`;
}

/** As an owner leaves it that does not release it. @returns its path. */
async function leaveLock(directory: string, identity: string): Promise<string> {
  const path = join(directory, lockName(identity));
  await writeFile(path, left);
  return path;
}

function pidOf(path: string): number {
  return Number(basename(path).split('.')[2]);
}

async function untilState(pid: number, state: string): Promise<void> {
  while (!(await readFile(`/proc/${pid}/stat`, 'latin1')).includes(`) ${state} `)) await pause();
}

async function untilThere(directory: string): Promise<string> {
  for (;;) {
    const [name] = await readdir(directory);
    if (name !== undefined && (await readFile(join(directory, name), 'utf8')) !== '') return join(directory, name);
    await pause();
  }
}

function createFolder(): string {
  return mkdtempSync(join(root, 'queue-'));
}

async function startProgram(): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'lock-program.ts'));
  children.push(child);
  await once(child, 'message');
  return child;
}

async function ask(child: ChildProcess, request: LockRequest): Promise<unknown> {
  const answered = once(child, 'message');
  child.send(request);
  const [answer] = (await answered) as unknown[];
  return answer;
}

/** A disk of one page. @returns whether it was allowed. */
function mountTiny(directory: string): boolean {
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'metergate', directory]);
  if (status === 0) mounted.push(directory);
  return status === 0;
}

async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 20));
}
