import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { LockHeldError } from '../../../src/push/queue/disk/lock.ts';
import { openFailing, wait } from './failing.ts';
import { createBatch, drain, type Opened, range, readTimes } from './queues.ts';
import type { Call } from './simulated-file-system.ts';

// A disk that fails: the queue goes on in memory, says so, and comes back.

const failures: Record<string, { readonly call: Call; readonly code: string }> = {
  'the disk is full': { call: 'write', code: 'ENOSPC' },
  'the disk breaks': { call: 'write', code: 'EIO' },
  'nothing is kept': { call: 'sync', code: 'EIO' },
  'the folder is not kept': { call: 'syncDirectory', code: 'EIO' },
  'no file can be made': { call: 'create', code: 'EROFS' },
};

for (const [name, { call, code }] of Object.entries(failures)) {
  describe(`when ${name}`, () => {
    it('batches are kept in memory in their order, and on disk again when it works', async () => {
      // Each batch has a file of its own, so that each append needs all there is.
      const opened = await openFailing({}, { segmentBytes: 100 });
      const { queue, faults, drops } = opened;
      assert.deepEqual(await queue.append(createBatch(1)), { onDisk: true });
      opened.fail = (called) => (called === call ? code : undefined);
      assert.deepEqual(await queue.append(createBatch(2)), { onDisk: false });
      assert.deepEqual(
        faults.map((fault) => fault.code),
        ['not_persisted'],
      );
      assert.match(
        faults[0]?.message ?? '',
        new RegExp(`^/queue: .*${code}.*; batches are kept in memory until it works again$`),
      );
      // It is left alone for a while.
      assert.deepEqual(await queue.append(createBatch(3)), { onDisk: false });
      assert.equal(faults.length, 1);
      assert.equal(queue.stats().batchesInMemory, 2);
      opened.fail = () => undefined;
      wait(opened);
      assert.deepEqual(await queue.append(createBatch(4)), { onDisk: true });
      assert.deepEqual(await readTimes(queue), [1, 2, 3, 4]);
      assert.equal(queue.stats().batchesInMemory, 0);
      await queue.close();
      assert.deepEqual(drops, []);
      const { queue: next } = await opened.reopen();
      assert.deepEqual(await readTimes(next), [1, 2, 3, 4]);
      await next.close();
    });

    it('it is tried less and less often, and once a minute at least', async () => {
      const opened = await openFailing({}, { segmentBytes: 100 });
      opened.fail = (called) => (called === call ? code : undefined);
      for (let second = 0; second < 600; second++) {
        await opened.queue.append(createBatch(second));
        opened.clock.nowMs += 1000;
      }
      const persists = opened.faults.filter((fault) => fault.code === 'not_persisted');
      assert.ok(persists.length >= 10 && persists.length < 20, String(persists.length));
      assert.equal((await drain(opened.queue)).length, 600);
      await opened.queue.close();
    });

    it('memory has a limit, and what is dropped then is the oldest in memory', async () => {
      const opened = await openFailing({ bytesMax: 10_000 }, { segmentBytes: 400 });
      await opened.queue.append(createBatch(0));
      opened.fail = (called) => (called === call ? code : undefined);
      for (const timeMs of range(1, 300)) {
        await opened.queue.append(createBatch(timeMs));
        assert.ok(opened.queue.stats().bytes <= 10_000);
      }
      assertAccounted(opened, await drain(opened.queue), 300);
      await opened.queue.close();
    });
  });
}

it('a file of which a sync failed is appended to no more', async () => {
  const opened = await openFailing();
  const paths = new Set<string>();
  await opened.queue.append(createBatch(1));
  opened.fail = (call) => (call === 'sync' ? 'EIO' : undefined);
  await opened.queue.append(createBatch(2));
  opened.fail = (call, path) => {
    if (call === 'write') paths.add(path);
    return undefined;
  };
  wait(opened);
  assert.deepEqual(await opened.queue.append(createBatch(3)), { onDisk: true });
  assert.deepEqual([...paths], ['/queue/0000000000000002.seg']);
  await opened.queue.close();
});

describe('with a sync each second', () => {
  it('a failed one is a fault, and what comes then is in another file', async () => {
    const opened = await openFailing({ fsync: 'every_second' });
    await opened.queue.append(createBatch(1));
    opened.fail = (call) => (call === 'sync' ? 'EIO' : undefined);
    await opened.queue.close();
    assert.deepEqual(
      opened.faults.map(({ code }) => code),
      ['not_persisted'],
    );
  });
});

describe('a single call that fails costs no batch, and no order', () => {
  const codes = ['EIO', 'ENOSPC', 'EMFILE'];
  for (const lasting of [false, true]) {
    it(lasting ? 'though all after it fail, too, for a while' : 'whichever it is', async () => {
      for (const code of codes) {
        for (let n = 0; await runFailing({ code, failing: n, lasting }); n++);
      }
    });
  }
});

/** @returns whether there was a call of that number. */
async function runFailing({
  code,
  failing,
  lasting,
}: {
  code: string;
  failing: number;
  lasting: boolean;
}): Promise<boolean> {
  let calls = 0;
  let isOver = false;
  const fail = (): string | undefined => {
    const at = calls++;
    return !isOver && (at === failing || (lasting && at > failing)) ? code : undefined;
  };
  const opened = await openFailing({ bytesMax: 2500 }, { segmentBytes: 500, fail });
  const { queue } = opened;
  const times: number[] = [];
  const deliver = async (): Promise<void> => {
    const entry = await queue.read(0);
    if (entry !== undefined && (await queue.remove(entry.number))) times.push(entry.batch.timeMs);
  };
  for (const timeMs of range(0, 24)) {
    await queue.append(createBatch(timeMs));
    if (timeMs % 3 === 0) await deliver();
    if (timeMs % 5 === 0) opened.clock.nowMs += 2000;
    const { bytes } = queue.stats();
    assert.ok(bytes <= 2500);
  }
  const reached = calls > failing;
  isOver = true;
  wait(opened);
  assert.deepEqual(await queue.append(createBatch(24)), { onDisk: true });
  while (queue.stats().batches > 0) await deliver();
  assertAccounted(opened, times, 25);
  await queue.close();
  return reached;
}

/** Each batch was delivered once, in order, or reported once. */
function assertAccounted({ drops }: Opened, times: readonly number[], count: number): void {
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(times).size, times.length);
  const dropped = drops.reduce((sum, { batches }) => sum + batches, 0);
  assert.equal(times.length + dropped, count);
  for (const { fromMs, toMs, batches } of drops) {
    const delivered: number = times.filter((timeMs) => timeMs >= fromMs && timeMs <= toMs).length;
    assert.equal(delivered + batches, toMs - fromMs + 1);
  }
}

it('what is done and cannot be marked is named once, and comes again after a restart', async () => {
  const opened = await openFailing();
  for (const timeMs of [1, 2, 3]) await opened.queue.append(createBatch(timeMs));
  opened.fail = (call) => (call === 'write' ? 'EROFS' : undefined);
  for (let count = 0; count < 2; count++)
    assert.equal(await opened.queue.remove((await opened.queue.read(0))?.number ?? 0), true);
  assert.deepEqual(await readTimes(opened.queue), [3]);
  assert.deepEqual(
    opened.faults.map(({ code }) => code),
    ['not_marked'],
  );
  await opened.queue.close();
  const { queue } = await opened.reopen();
  assert.deepEqual(await readTimes(queue), [1, 2, 3]);
  await queue.close();
});

it('while a file cannot be removed no other is made, so that the folder does not become larger than it may', async () => {
  const opened = await openFailing({ bytesMax: 1000 }, { segmentBytes: 300 });
  const made = new Set<string>();
  opened.fail = (call, path) => {
    if (call === 'create') made.add(path);
    return call === 'remove' ? 'EACCES' : undefined;
  };
  for (const timeMs of range(0, 50)) {
    await opened.queue.append(createBatch(timeMs));
    wait(opened);
  }
  assert.ok(made.size <= 5, String(made.size));
  assertAccounted(opened, await drain(opened.queue), 50);
  opened.fail = () => undefined;
  assert.deepEqual(await opened.queue.append(createBatch(50)), { onDisk: true });
  await opened.queue.close();
  const { queue } = await opened.reopen();
  assert.deepEqual(await readTimes(queue), [50]);
  await queue.close();
});

describe('a folder that cannot be used at the start', () => {
  for (const [call, code] of Object.entries({ makeDirectory: 'EROFS', list: 'EACCES' }))
    it(`(${call}: ${code}) has the queue begin in memory, and gives what it holds first when it can be used`, async () => {
      const before = await openFailing();
      for (const timeMs of [1, 2]) await before.queue.append(createBatch(timeMs));
      await before.queue.close();
      let isBroken = true;
      const opened = await before.reopen((called) => (isBroken && called === call ? code : undefined));
      assert.deepEqual(
        opened.faults.map((fault) => fault.code),
        ['not_persisted'],
      );
      assert.deepEqual(await opened.queue.append(createBatch(3)), { onDisk: false });
      assert.deepEqual(await readTimes(opened.queue), [3]);
      isBroken = false;
      wait(opened);
      assert.deepEqual(await opened.queue.append(createBatch(4)), { onDisk: true });
      assert.deepEqual(await readTimes(opened.queue), [1, 2, 3, 4]);
      await opened.queue.close();
    });
});

describe('a folder of another process', () => {
  it('is no place to start', async () => {
    const held = () => Promise.reject(new LockHeldError('/queue belongs to process 7'));
    await assert.rejects(openFailing({}, { acquireLock: held }), {
      code: 'lock_held',
      message: '/queue belongs to process 7',
    });
  });

  it('is left alone when it was taken over, and used again when it is free', async () => {
    let lose: (message: string, how: 'taken') => void = () => undefined;
    let isHeld = false;
    const opened = await openFailing(
      {},
      {
        acquireLock: ({ onLost }) => {
          if (isHeld) return Promise.reject(new LockHeldError('/queue belongs to process 7'));
          lose = onLost;
          return Promise.resolve({ release: () => Promise.resolve() });
        },
      },
    );
    for (const timeMs of [1, 2]) await opened.queue.append(createBatch(timeMs));
    isHeld = true;
    lose('/queue was taken over', 'taken');
    await setImmediate();
    const calls: Call[] = [];
    opened.fail = (call) => {
      calls.push(call);
      return undefined;
    };
    assert.deepEqual([await readTimes(opened.queue), opened.queue.stats().batches], [[], 0]);
    assert.deepEqual(await opened.queue.append(createBatch(3)), { onDisk: false });
    assert.deepEqual(calls, ['makeDirectory']);
    assert.deepEqual(
      opened.faults.map(({ code }) => code),
      ['lock_lost', 'not_persisted'],
    );
    isHeld = false;
    wait(opened);
    assert.deepEqual(await opened.queue.append(createBatch(4)), { onDisk: true });
    // They are not lost, and not reported.
    assert.deepEqual(await readTimes(opened.queue), [1, 2, 3, 4]);
    assert.deepEqual(opened.drops, []);
    await opened.queue.close();
  });
});
