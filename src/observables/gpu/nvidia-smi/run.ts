import { SampleError } from '../../observable.ts';
import { startChild, type Child } from './child.ts';
import { rejectedNames, type Query } from './columns.ts';
import { createRounds, type Rounds } from './rounds.ts';
import { createRowParser } from './row-parser.ts';

export interface RunOptions {
  /** The program, or its name on the PATH. */
  readonly path: string;
  readonly intervalMs: number;
  readonly query: Query;
  /** All GPUs have been read, for the first time or again. */
  readonly onRound: () => void;
  /** Once, also when the program could not be started. */
  readonly onEnd: (end: RunEnd) => void;
}

export interface RunEnd {
  readonly error: SampleError;
  /** Names in the query that the driver does not know, if it ended for that. */
  readonly rejected: readonly string[];
}

/** One run of `nvidia-smi` in its loop mode, from its start to its end. */
export interface Run extends Pick<Rounds, 'readings' | 'silentMs'>, Pick<Child, 'started' | 'stop'> {
  /** What it wrote that is no row, since the last time that this was asked. */
  malformed(): SampleError | undefined;
  /** For good; `onEnd` gets the reason. @returns false when we may not. */
  kill(because: SampleError): boolean;
}

const TEXT_MAX = 200;

/** Characters from one row to the next that are none: a program that writes nothing else costs more than it tells. */
const JUNK_MAX = 2 ** 20;

export function startRun({ path, intervalMs, query, onRound, onEnd }: RunOptions): Run {
  const rounds = createRounds(onRound);
  const parse = createRowParser(query.columns);
  let rejected: readonly string[] = [];
  /** The last that was no row: as a rule why it ends. */
  let said: string | undefined;
  /** The first one, for each of them may be other text; and whether there was one since it was last asked for. */
  let strange: string | undefined;
  let isStrange = false;
  let junkLength = 0;
  let killed: SampleError | undefined;

  const say = (line: string): void => {
    if (line !== '') said = line.slice(0, TEXT_MAX);
  };
  /** @param text nothing if there is nothing to tell of it. */
  const junk = (text: string, length: number): void => {
    if (text !== '') strange ??= text;
    isStrange ||= text !== '';
    junkLength += length;
    if (junkLength <= JUNK_MAX) return;
    kill(new SampleError('malformed', `${path} writes no rows, but ${strange ?? 'empty lines'}`));
  };
  const kill = (because: SampleError): boolean => {
    junkLength = 0;
    if (!child.kill()) return false;
    killed ??= because;
    return true;
  };

  const child = startChild({
    path,
    args: [`--query-gpu=${query.names.join(',')}`, '--format=csv,noheader,nounits', '-lms', String(intervalMs)],
    onLine: (line) => {
      const row = parse(line);
      if (row !== undefined && rounds.add(row)) {
        junkLength = 0;
        return;
      }
      const names = rejectedNames(line, query.names);
      if (names.length > 0) rejected = names;
      say(line);
      junk(line === '' ? '' : `"${line.slice(0, TEXT_MAX)}"`, line.length + 1);
    },
    onLineTooLong: () => junk('a line over 64 KiB', 65_536),
    onErrorLine: say,
    onEnd: ({ reason, message, cause }) => {
      const error = killed ?? new SampleError(reason, said === undefined ? message : `${message}: ${said}`, { cause });
      onEnd({ error, rejected });
    },
  });

  return {
    started: child.started,
    readings: () => rounds.readings(),
    silentMs: () => rounds.silentMs(),
    malformed: () => {
      if (!isStrange) return undefined;
      isStrange = false;
      return new SampleError('malformed', `${path} writes what is no row, such as ${strange ?? ''}`);
    },
    kill,
    stop: (deadline) => child.stop(deadline),
  };
}
