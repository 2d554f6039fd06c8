import { constants, createWriteStream, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { deadlineIn, within, type Deadline } from '../../std/deadline.ts';

/** Writes lines to a file, or to standard output, in batches. Nobody waits for it, whatever the other side does. */
export interface LineWriter {
  write(line: string): void;
  /** Resolves when all lines are taken, or at the deadline, and a moment later at most. */
  close(deadline: Deadline): Promise<void>;
}

export interface LineWriterOptions {
  /** `-` is standard output, anything else a file that is appended to; it may be a pipe that somebody reads. */
  readonly path: string;
  /** Told of every line that is not taken, once. @param error if something broke; without it, the lines are taken too slowly. */
  readonly onDropped: (lines: number, error?: unknown) => void;
}

const STANDARD_OUTPUT = '-';
const STDOUT_FD = 1;
/** Written together, or after a while. */
const BATCH_CHARACTERS = 16 * 1024;
const FLUSH_AFTER_MS = 1_000;
/** What may wait to be taken. */
const WAITING_CHARACTERS_MAX = 4 * 1024 * 1024;
/** Even where no time is left, what a file would take at once is written. */
const CLOSE_MIN_MS = 250;

/** @throws if it cannot be opened. */
export function openLineWriter({ path, onDropped }: LineWriterOptions): LineWriter {
  let stream: Writable | undefined = openStream(path, () => (stream = undefined));
  let batch: string[] = [];
  let batchCharacters = 0;
  let waitingCharacters = 0;
  let waitingLines = 0;
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const lines = batch.length;
    const characters = batchCharacters;
    const text = batch.join('');
    batch = [];
    batchCharacters = 0;
    if (lines === 0) return;
    try {
      // What broke may be well again: a disk that was full, a pipe that has another reader.
      stream ??= openStream(path, () => (stream = undefined));
    } catch (error) {
      return onDropped(lines, error);
    }
    waitingCharacters += characters;
    waitingLines += lines;
    stream.write(text, (error) => {
      waitingCharacters -= characters;
      waitingLines -= lines;
      if (error) onDropped(lines, error);
    });
  };

  return {
    write: (line) => {
      if (waitingCharacters + batchCharacters + line.length > WAITING_CHARACTERS_MAX) return onDropped(1);
      batch.push(line);
      batchCharacters += line.length;
      if (batchCharacters >= BATCH_CHARACTERS) flush();
      else timer ??= setTimeout(flush, FLUSH_AFTER_MS);
    },
    close: async (deadline) => {
      flush();
      const open = stream;
      if (open === undefined) return;
      const taken = new Promise<void>((resolve) => open.write('', () => resolve()));
      await within(deadlineIn(Math.max(deadline.remainingMs(), CLOSE_MIN_MS)), taken);
      // Others write to standard output, too. What is not taken of any other is reported by its own callback.
      if (open !== process.stdout) open.destroy();
      else if (waitingLines > 0) onDropped(waitingLines);
    },
  };
}

/** @param onBroken called when nothing can be written to it any more. */
function openStream(path: string, onBroken: () => void): Writable {
  // A pipe that nobody reads would keep the process waiting, and a full one a thread.
  const flags = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | constants.O_NONBLOCK;
  const fd = path === STANDARD_OUTPUT ? STDOUT_FD : openSync(path, flags, 0o644);
  return streamOf(fd).once('error', onBroken);
}

function streamOf(fd: number): Writable {
  const stat = fstatSync(fd);
  if (fd === STDOUT_FD && !stat.isFile()) return process.stdout;
  if (stat.isFIFO() || stat.isSocket()) return new Socket({ fd, readable: false, writable: true });
  return createWriteStream('', { fd, autoClose: fd !== STDOUT_FD });
}
