import { closeSync, openSync, readSync } from 'node:fs';
import { malformed, systemError } from '../procfs/proc-file.ts';

/**
 * Text files of the kernel that stay open: a third of the system calls that opening them each time takes, and paths through
 * control groups are long.
 */
export interface OpenFiles {
  /**
   * The text as it is now.
   *
   * @throws {SampleError} as `readProcFile`. After an error of the system, the next read opens the file anew.
   */
  read(path: string): string;
  /** Closes all; what is read afterwards is opened anew. */
  close(): void;
}

/** Several times that of the longest file as a rule, memory.stat. With a thousand disks, io.stat is longer. */
const BUFFER_BYTES = 64 * 1024;

export function createOpenFiles(): OpenFiles {
  const descriptors = new Map<string, number>();
  let buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);

  const closeOne = (path: string): void => {
    const descriptor = descriptors.get(path);
    descriptors.delete(path);
    if (descriptor !== undefined) closeSync(descriptor);
  };

  const readText = (path: string): string => {
    try {
      const descriptor = descriptors.get(path) ?? openSync(path, 'r');
      descriptors.set(path, descriptor);
      // The kernel writes the text of such a file anew for each read from its start, and gives all that there is room for.
      for (;;) {
        const bytes = readSync(descriptor, buffer, 0, buffer.length, 0);
        if (bytes < buffer.length) return buffer.toString('latin1', 0, bytes);
        buffer = Buffer.allocUnsafeSlow(2 * buffer.length);
      }
    } catch (error) {
      closeOne(path);
      throw systemError(`cannot read ${path}`, error);
    }
  };

  return {
    read: (path) => {
      const text = readText(path);
      if (text !== '' && !text.endsWith('\n')) throw malformed(path, 'is cut off');
      return text;
    },
    close: () => [...descriptors.keys()].forEach(closeOne),
  };
}
