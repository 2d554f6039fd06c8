import assert from 'node:assert/strict';
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { acquireLock, isLockFile, type Lock, LockHeldError } from '../../../../src/push/queue/disk/lock.ts';
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

  it('is refused with the folder, the process, its host and its age, also within one process', async () => {
    const directory = createFolder();
    const lock = await acquire(directory);
    await assert.rejects(acquire(directory), (error: Error) => {
      assert.ok(error instanceof LockHeldError);
      const said = `${directory} belongs to process ${process.pid} of host ${hostname()}, which has had it for 0 s`;
      assert.equal(error.message, said);
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
    await assert.rejects(acquire(directory), LockHeldError);
    await lock.release();
    assert.deepEqual(await readdir(directory), ['full']);
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
      `lock.${'0'.repeat(31)}g`,
      `lock.${'0'.repeat(33)}`,
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
    const { pid } = JSON.parse(await readFile(path, 'utf8')) as { pid: number };
    while (!(await readFile(`/proc/${pid}/stat`, 'latin1')).includes(') Z ')) await pause();
    await (await acquire(directory)).release();
    assert.deepEqual(await readdir(directory), []);
  });

  it('of a process of which the id was given to another one is free at once', linuxOnly, async () => {
    const directory = createFolder();
    await (await acquireAndEdit(directory, { startTime: '1' })).stop();
    await (await acquire(directory)).release();
  });

  const elsewhere = {
    'of another host': { hostName: 'elsewhere' },
    'of another boot': { bootId: 'another' },
    'of another container': { pidNamespace: 'pid:[1]' },
    'without /proc': { startTime: undefined, bootId: undefined, pidNamespace: undefined },
  };
  for (const [name, identity] of Object.entries(elsewhere)) {
    it(`of a process ${name} is free when it has not shown for a while that it is alive`, async () => {
      const directory = createFolder();
      await (await acquireAndEdit(directory, identity)).stop();
      await (await acquire(directory, { staleMs: 100 })).release();
      assert.deepEqual(await readdir(directory), []);
    });

    it(`of a process ${name} is refused while it shows that it is alive, whatever its clock says`, async () => {
      const directory = createFolder();
      const owner = await acquireAndEdit(directory, { ...identity, timeMs: 0 });
      await assert.rejects(acquire(directory, { staleMs: NEVER_STALE }), LockHeldError);
      await owner.stop();
    });
  }

  for (const [name, content] of Object.entries({
    empty: '',
    garbage: '\0{]',
    'of another kind': '[1]',
    null: 'null',
  })) {
    it(`is free after a while where the lock file is ${name}`, async () => {
      const directory = createFolder();
      await writeFile(join(directory, `lock.${'0'.repeat(32)}`), content);
      await (await acquire(directory, { staleMs: 100 })).release();
      assert.deepEqual(await readdir(directory), []);
    });
  }

  it('is refused by name where the lock file is a folder', async () => {
    const directory = createFolder();
    const path = join(directory, `lock.${'0'.repeat(32)}`);
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
    await edit(await untilThere(directory), { hostName: 'elsewhere' });
    child.kill('SIGSTOP');
    const lock = await acquire(directory, { staleMs: 300 });
    const told = once(child, 'message');
    child.kill('SIGCONT');
    assert.match(String(await told), /is gone: another process/);
    assert.equal(await ask(child, { do: 'acquire', directory }), 'held');
    await lock.release();
  });
});

describe('of many processes that want the folder at one time, exactly one gets it', () => {
  const before: Record<string, (directory: string) => Promise<unknown>> = {
    'when nobody has had it': () => Promise.resolve(),
    'when its owner was killed': async (directory) => (await acquireAndEdit(directory, { startTime: '1' })).stop(),
    'when its owner was elsewhere': async (directory) => (await acquireAndEdit(directory, { bootId: '1' })).stop(),
    'when there are many that are dead': async (directory) => {
      for (let index = 0; index < 5; index += 1)
        await writeFile(join(directory, `lock.${String(index).repeat(32)}`), '');
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

async function acquire(directory: string, options: Partial<Parameters<typeof acquireLock>[0]> = {}): Promise<Lock> {
  return acquireLock({ directory, onLost: assert.fail, heartbeatMs: 20, staleMs: NEVER_STALE, ...options });
}

/** A lock as somebody else would have it: `stop` ends it without releasing it. */
async function acquireAndEdit(directory: string, identity: object): Promise<{ stop: () => Promise<void> }> {
  const lock = await acquire(directory);
  const path = await untilThere(directory);
  const content = { ...(JSON.parse(await readFile(path, 'utf8')) as object), ...identity };
  await edit(path, identity);
  return {
    stop: async () => {
      await lock.release();
      await writeFile(path, JSON.stringify(content));
    },
  };
}

async function edit(path: string, identity: object): Promise<void> {
  const content = JSON.parse(await readFile(path, 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...content, ...identity }));
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
