import { acquireLock, type Lock, LockHeldError } from '../../../../src/push/queue/disk/lock.ts';

// A process that wants locks, for lock.test.ts: it does what its parent says, and answers.

/** `acquire` is answered with `owner`, `held` or the message of another error, `release` with `released`. */
export interface LockRequest {
  readonly do: 'acquire' | 'release' | 'acquire and disconnect';
  readonly directory: string;
  readonly staleMs?: number;
}

const locks = new Map<string, Lock>();

process.on('message', (request: LockRequest) => void answer(request));
process.send?.('ready');

async function answer({ do: what, directory, staleMs = 400 }: LockRequest): Promise<void> {
  if (what === 'release') {
    await locks.get(directory)?.release();
    process.send?.('released');
    return;
  }
  try {
    const onLost = (message: string) => process.send?.(message);
    locks.set(directory, await acquireLock({ directory, onLost, heartbeatMs: 50, staleMs }));
    process.send?.('owner');
    if (what === 'acquire and disconnect') process.disconnect?.();
  } catch (error) {
    process.send?.(error instanceof LockHeldError ? 'held' : String(error));
  }
}
