import type { CaseOptions, ProbeCase, Sample } from '../case.ts';
import { LABEL_NAMES } from '../record/workload.ts';
import { startServer, type ServerProcess } from '../server-process.ts';
import type { Received } from './received.ts';

export interface Sender {
  /** Records on every series. */
  readonly touch: () => void;
  /** Collects, encodes, sends, and waits for the answer. */
  readonly export: () => Promise<void>;
  /** Lets go of everything. */
  readonly close: () => Promise<void>;
}

/** What each export is to consist of. */
export interface Expected {
  readonly points: number;
  /** Of all points, since the beginning: the value of a sum, the count of a histogram. */
  readonly total: () => number;
}

/** For the compiler. */
const WARM_UPS = 3;
const EXPORTS_MIN = 5;
const EXPORTS_MS = 800;

/** Exports to a receiver in another process, each after all series have been recorded on. What arrives is checked each time. */
export function exportCase(
  create: (endpoint: string) => Promise<Sender & Expected> | (Sender & Expected),
  { quick }: CaseOptions,
): ProbeCase {
  return {
    probe: async () => {
      const sink = await startSink();
      const sender = await create(sink.url);
      for (let i = 0; i < (quick ? 0 : WARM_UPS); i++) await exportOnce(sender, sink);
      const samples: ExportSample[] = [];
      const endMs = performance.now() + (quick ? 0 : EXPORTS_MS);
      const exportsMin = quick ? 1 : EXPORTS_MIN;
      while (samples.length < exportsMin || performance.now() < endMs) samples.push(await exportOnce(sender, sink));
      await sender.close();
      sink.stop();
      return meansOf(samples);
    },
  };
}

export function startSink(): Promise<ServerProcess> {
  return startServer({ name: 'sink', script: new URL('sink-process.ts', import.meta.url) });
}

type ExportSample = Readonly<Record<'ms' | 'wall_ms' | 'bytes' | 'requests', number>>;

async function exportOnce(sender: Sender & Expected, sink: ServerProcess): Promise<ExportSample> {
  sender.touch();
  // Of all threads: some of them compress, write files, and collect the garbage.
  const cpu = process.cpuUsage();
  const beginMs = performance.now();
  await sender.export();
  const endMs = performance.now();
  const { user, system } = process.cpuUsage(cpu);
  const { requests, bytes } = await receivedBy(sink, sender);
  return { ms: (user + system) / 1e3, wall_ms: endMs - beginMs, bytes, requests };
}

/** @throws if it is not everything: nobody is to be quick by leaving something out. */
export async function receivedBy(sink: ServerProcess, { points, total }: Expected): Promise<Received> {
  const received = (await sink.ask('received')) as Received;
  const attributes = points * LABEL_NAMES.length;
  if (received.points !== points) throw new Error(`${received.points} points have arrived, not ${points}`);
  if (received.attributes !== attributes)
    throw new Error(`they have ${received.attributes} attributes, not ${attributes}`);
  if (received.total !== total()) throw new Error(`their total is ${received.total}, not ${total()}`);
  return received;
}

/** Not medians: one export collects the garbage of several, and no one of them is as dear as all of them. */
function meansOf(samples: readonly ExportSample[]): Sample {
  const meanBy = (key: keyof ExportSample): number =>
    samples.reduce((sum, sample) => sum + sample[key], 0) / samples.length;
  return { ms: meanBy('ms'), wall_ms: meanBy('wall_ms'), bytes: meanBy('bytes'), requests: meanBy('requests') };
}
