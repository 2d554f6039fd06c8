import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Intake, type IntakeFailure } from '../../src/push/intake.ts';
import { QueueError, type Queue } from '../../src/push/queue/queue.ts';
import { deadlineIn } from '../../src/std/deadline.ts';
import { batchOf } from './batches.ts';

const BATCH = batchOf(1, [1]);
const BYTES = BATCH.payload.length;
const soon = () => deadlineIn(1_000);
/** When what was offered has come to the queue. */
const written = () => new Promise(setImmediate);

/** A queue whose disk answers when it is told to. */
function slowQueue() {
  const pending: PromiseWithResolvers<{ onDisk: boolean }>[] = [];
  const append = (): Promise<{ onDisk: boolean }> => {
    const writing = Promise.withResolvers<{ onDisk: boolean }>();
    pending.push(writing);
    return writing.promise;
  };
  return { pending, queue: { append } as unknown as Queue };
}

function intakeOf({ batchesMax }: { batchesMax: number }) {
  const { pending, queue } = slowQueue();
  const failures: IntakeFailure[] = [];
  const stills: string[] = [];
  const intake = new Intake({
    queue: Promise.resolve(queue),
    bytesMax: batchesMax * BYTES,
    onFailed: (_, failure) => void failures.push(failure),
    onStill: () => void stills.push('still'),
  });
  return { pending, failures, stills, intake };
}

describe('the way into a queue', () => {
  it('says where a batch is', async () => {
    const { pending, intake } = intakeOf({ batchesMax: 4 });
    const placed = [intake.offer(BATCH), intake.offer(BATCH), intake.offer(BATCH)];
    await written();
    pending[0]?.resolve({ onDisk: true });
    pending[1]?.resolve({ onDisk: false });
    pending[2]?.reject(new QueueError('closed', 'the queue is closed'));
    assert.deepEqual(await Promise.all(placed), ['on_disk', 'in_memory', 'failed']);
  });

  it('has room again when the disk has taken something', async () => {
    const { pending, intake, failures } = intakeOf({ batchesMax: 2 });
    void intake.offer(BATCH);
    await intake.room(BYTES, soon());
    void intake.offer(BATCH);
    let hasRoom = false;
    const room = intake.room(BYTES, soon()).then(() => (hasRoom = true));
    await written();
    assert.equal(hasRoom, false);
    await written();
    pending[0]?.resolve({ onDisk: true });
    await room;
    void intake.offer(BATCH);
    assert.deepEqual(failures, []);
    await written();
    assert.equal(pending.length, 3);
  });

  it('refuses what a disk that stands still has no room for, and has nobody wait for it twice', async () => {
    const { pending, intake, failures } = intakeOf({ batchesMax: 1 });
    const first = intake.offer(BATCH);
    await intake.room(BYTES, soon());
    assert.equal(await intake.offer(BATCH), 'failed');
    // Ended by now, or this test takes a second for each.
    for (let i = 0; i < 1_000; i++) {
      await intake.room(BYTES, soon());
      assert.equal(await intake.offer(BATCH), 'failed');
    }
    assert.equal(failures.length, 1_001);
    assert.ok(failures.every(({ code }) => code === 'stuck'));
    await written();
    assert.equal(pending.length, 1);
    await written();
    pending[0]?.resolve({ onDisk: true });
    assert.equal(await first, 'on_disk');
    await intake.room(BYTES, soon());
    void intake.offer(BATCH);
    await written();
    assert.equal(pending.length, 2);
  });

  it('always takes one, however large it is', async () => {
    const { pending, intake } = intakeOf({ batchesMax: 0.5 });
    await intake.room(BYTES, soon());
    const placed = intake.offer(BATCH);
    await written();
    pending[0]?.resolve({ onDisk: true });
    assert.equal(await placed, 'on_disk');
  });

  it('counts what it does not wait for any longer, once', async () => {
    const { pending, intake, failures } = intakeOf({ batchesMax: 4 });
    const placed = [intake.offer(BATCH), intake.offer({ ...BATCH })];
    assert.equal(intake.abandon(), 2);
    assert.deepEqual(
      failures.map(({ code }) => code),
      ['closed', 'closed'],
    );
    await written();
    pending[0]?.resolve({ onDisk: true });
    pending[1]?.reject(new QueueError('closed', 'the queue is closed'));
    assert.deepEqual(await Promise.all(placed), ['on_disk', 'failed']);
    assert.equal(intake.abandon(), 0);
    assert.equal(failures.length, 2);
    assert.equal(await intake.offer(BATCH), 'failed');
    assert.equal(failures.length, 3);
  });

  it('says what is on its way, and once that it stands still', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { intake, stills } = intakeOf({ batchesMax: 4 });
    assert.deepEqual(intake.pending, { batches: 0, points: 0, bytes: 0, oldestMs: undefined });
    void intake.offer(BATCH);
    void intake.offer({ ...BATCH, timeMs: 2 });
    assert.deepEqual(intake.pending, { batches: 2, points: 2, bytes: 2 * BYTES, oldestMs: 1 });
    t.mock.timers.tick(4_999);
    assert.deepEqual(stills, []);
    t.mock.timers.tick(60_000);
    assert.deepEqual(stills, ['still']);
    intake.abandon();
  });
});
