import { readdirSync, statSync } from 'node:fs';
import { SampleError, type Sample } from '../observable.ts';
import { asExpected } from '../procfs/parts.ts';
import { readProcFile, systemError } from '../procfs/proc-file.ts';

const DESCRIPTORS = '/proc/self/fd';

/** What only Linux tells of its own process. Never below another root: there, `self` would be nobody or somebody else. */
export function writeProcSelf(into: Sample): void {
  const parts = [
    () => {
      const { threads, virtualBytes } = parseStat(readProcFile('/proc/self/stat'));
      into.write('process.thread.count', threads);
      into.write('process.memory.virtual', virtualBytes);
    },
    () => into.write('process.unix.file_descriptor.count', countDescriptors()),
    () => into.write('metergate.process.file_descriptor.limit', parseOpenFilesLimit(readProcFile('/proc/self/limits'))),
  ];
  for (const part of parts) {
    try {
      part();
    } catch (error) {
      into.report(asExpected(error));
    }
  }
}

/**
 * Source: proc_pid_stat(5), fields 20 and 23
 *
 * @throws {SampleError} malformed
 */
export function parseStat(text: string): { threads: number; virtualBytes: number } {
  // The second field is the name of the program in brackets, which may hold spaces and brackets itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const threads = Number(fields[20 - 3]);
  const virtualBytes = Number(fields[23 - 3]);
  if (Number.isNaN(threads + virtualBytes)) throw new SampleError('malformed', '/proc/self/stat has too few fields');
  return { threads, virtualBytes };
}

/**
 * Source: proc_pid_limits(5)
 *
 * @returns the soft limit; undefined if there is none.
 * @throws {SampleError} malformed
 */
export function parseOpenFilesLimit(text: string): number | undefined {
  const soft = /^Max open files +(\d+|unlimited) /m.exec(text)?.[1];
  if (soft === undefined) throw new SampleError('malformed', '/proc/self/limits has no line "Max open files"');
  return soft === 'unlimited' ? undefined : Number(soft);
}

function countDescriptors(): number {
  try {
    // Linux 6.2 and later show the count as the size, at a sixth of what it costs to list them; others show 0. There is always one.
    const { size } = statSync(DESCRIPTORS);
    // One of those that are listed is the listing's own.
    return size > 0 ? size : readdirSync(DESCRIPTORS).length - 1;
  } catch (cause) {
    throw systemError(`cannot read ${DESCRIPTORS}`, cause);
  }
}
