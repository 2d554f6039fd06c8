import type { QueueOptions } from '../../../src/push/queue/queue.ts';
import type { QueueParts } from '../../../src/push/queue/segmented-queue.ts';
import { open, type Opened } from './queues.ts';
import { createDisk, type Disk } from './simulated-disk.ts';
import { type Call, createSimulatedFileSystem, type Hooks } from './simulated-file-system.ts';

const DIRECTORY = '/queue';

export interface Failing extends Opened {
  /** The code with which calls fail; undefined = they do not. */
  fail: (call: Call, path: string) => string | undefined;
  readonly disk: Disk;
  readonly reopen: (fail?: Failing['fail']) => Promise<Failing>;
}

/** A queue on a simulated disk. */
export async function openFailing(
  options: Partial<QueueOptions> = {},
  {
    fail = () => undefined,
    disk = createDisk(),
    before,
    bytesMax,
    ...parts
  }: { fail?: Failing['fail']; disk?: Disk } & Pick<Hooks, 'before' | 'bytesMax'> & Partial<QueueParts> = {},
): Promise<Failing> {
  const state = { fail };
  const fileSystem = createSimulatedFileSystem(disk, {
    ...(before && { before }),
    ...(bytesMax && { bytesMax }),
    fail: (call, path) => state.fail(call, path),
  });
  const opened = await open({ directory: DIRECTORY, fsync: 'every_batch', ...options }, { fileSystem, ...parts });
  return Object.assign(state, opened, {
    disk,
    reopen: (failNow?: Failing['fail']) => openFailing(options, { disk, ...parts, ...(failNow && { fail: failNow }) }),
  });
}

/** Beyond every back-off. */
export function wait({ clock }: Opened): void {
  clock.nowMs += 61_000;
}
