/** What a recorder is started with. */
export interface RecorderOptions {
  readonly endpoint: string;
  readonly protocol: 'grpc' | 'http/protobuf';
  /** With `cumulative` every life begins at 0. */
  readonly temporality: 'delta' | 'cumulative';
  readonly directory: string;
  readonly order: 'oldest_first' | 'newest_first';
  readonly batchBytesMax: number;
  readonly queueBytesMax: number;
  /** Steps are numbered from 1, over all lives; each adds its number to every series. */
  readonly firstStep: number;
  /** It ends by itself when so many of its steps are acknowledged; not given = never. */
  readonly acknowledgedMax?: number;
  /** How long a step may take to be sent or on disk; then it is not acknowledged. */
  readonly flushMs: number;
  /** How long it may take to send the rest. */
  readonly shutdownMs: number;
}

/** Of one step; a few batches of the size that the tests choose. */
export const SERIES = 60;

/** What recorders said, over all their lives; all times in Unix ms. */
export interface Sayings {
  /** When each step was recorded. */
  readonly recorded: Map<number, number>;
  readonly acknowledged: Map<number, number>;
  readonly dropped: { readonly from: number; readonly to: number; readonly points: number }[];
  /** Why something could not be written to the disk, in the words of the log. */
  readonly faults: string[];
}

export function nothingSaid(): Sayings {
  return { recorded: new Map(), acknowledged: new Map(), dropped: [], faults: [] };
}

export function hear(text: string, { recorded, acknowledged, dropped, faults }: Sayings): void {
  // A line that was cut by the kill said nothing.
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    const [word, ...rest] = line.split(' ');
    const [first = NaN, second = NaN, third = NaN] = rest.map(Number);
    if (word === 'recorded') recorded.set(first, second);
    else if (word === 'acknowledged') acknowledged.set(first, second);
    else if (word === 'dropped') dropped.push({ from: first, to: second, points: third });
    else if (word === 'fault') faults.push(rest.join(' '));
  }
}
