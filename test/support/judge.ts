import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { interopProgram } from './interop.ts';

export type Verdict<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly error: string };

export type JudgedLabels = Readonly<Record<string, string>>;

export interface JudgedExemplar {
  /** Of OpenMetrics with the escapes as they stand on the page: Prometheus does not undo them here. */
  readonly labels: JudgedLabels;
  readonly value: string;
  readonly timestampMs?: number;
}

/** Prometheus drops empty buckets at the ends of spans: compare bucket by bucket. Counts are absolute, not deltas. */
export interface JudgedHistogram {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly count: number;
  readonly sum: string;
  /** Offset and length of each. */
  readonly positiveSpans: readonly (readonly [number, number])[];
  readonly positiveCounts: readonly number[];
  readonly negativeSpans: readonly (readonly [number, number])[];
  readonly negativeCounts: readonly number[];
}

export interface JudgedSample {
  /** The name of the metric is `__name__`. `le` and `quantile` are written as OpenMetrics has them (`1.0`), whatever the page has. */
  readonly labels: JudgedLabels;
  /** What JavaScript writes for the number, `NaN`, `+Inf` or `-Inf`; empty for a native histogram. */
  readonly value: string;
  readonly timestampMs?: number;
  readonly exemplars: readonly JudgedExemplar[];
  /** The start time, on each sample that it is the start of. The `_created` samples of OpenMetrics are not reported themselves. */
  readonly createdMs?: number;
  readonly histogram?: JudgedHistogram;
}

export interface JudgedPage {
  /** In the order of the page. */
  readonly samples: readonly JudgedSample[];
  /** By the name of the family: `help`, `type` and `unit`, each only where the page says it. */
  readonly metadata: Readonly<Record<string, Readonly<Partial<Record<'help' | 'type' | 'unit', string>>>>>;
}

export interface DecodedPage {
  /** By name; `type` is that of the protobuf in lower case, `metrics` the number of its label sets. */
  readonly families: Readonly<Record<string, { type: string; help: string; unit: string; metrics: number }>>;
}

export type TranslationStrategy =
  | 'UnderscoreEscapingWithSuffixes'
  | 'UnderscoreEscapingWithoutSuffixes'
  | 'NoUTF8EscapingWithSuffixes'
  | 'NoTranslation';

export interface OtelName {
  readonly name: string;
  readonly unit: string;
  readonly type: 'counter' | 'updown' | 'gauge' | 'histogram' | 'exponential_histogram' | 'summary' | 'unknown';
  readonly strategy: TranslationStrategy;
  /** An attribute's key, translated too. */
  readonly label?: string;
  /** Applied to the metric and the label after translation. */
  readonly escaping?: 'allow-utf-8' | 'underscores' | 'dots' | 'values';
}

export interface TranslatedName {
  readonly metric: string;
  readonly unit: string;
  /** As the specification has it. */
  readonly label?: string;
  /** As the OTLP receiver of Prometheus does it by default: runs of underscores are kept, `_x` becomes `key_x`. */
  readonly receiverLabel?: string;
}

/** What Go's Prometheus code says; see test/interop/judge. Requests need not wait for one another. */
export interface Judge {
  /** The parser that Prometheus 3 scrapes with, and stricter: a page with anything twice or out of place is refused. */
  parse(page: Uint8Array | string, contentType: string): Promise<Verdict<JudgedPage>>;
  /** The decoder of prometheus/common. Without `utf8` it refuses names that Prometheus 2 would not take. */
  expfmt(
    page: Uint8Array | string,
    contentType: string,
    options?: { readonly utf8?: boolean },
  ): Promise<Verdict<DecodedPage>>;
  /** One verdict per item, in their order. */
  translate(items: readonly OtelName[]): Promise<Verdict<TranslatedName>[]>;
  /** The content type that the handler of client_golang answers such an `Accept` header with. */
  negotiate(accept: string): Promise<string>;
  close(): Promise<void>;
}

export function startJudge(): Judge {
  const frames = startFrames(interopProgram('judge'), []);
  return {
    parse: (page, contentType) => frames.ask<Verdict<JudgedPage>>({ kind: 'parse', contentType }, page),
    expfmt: (page, contentType, { utf8 = false } = {}) =>
      frames.ask<Verdict<DecodedPage>>({ kind: 'expfmt', contentType, utf8 }, page),
    translate: async (items) => {
      const answer = await frames.ask<Verdict<{ names: Verdict<TranslatedName>[] }>>(
        { kind: 'translate' },
        JSON.stringify(items),
      );
      if (!answer.ok) throw new Error(answer.error);
      return answer.names;
    },
    negotiate: async (accept) => {
      const answer = await frames.ask<Verdict<{ contentType: string }>>({ kind: 'negotiate' }, accept);
      if (!answer.ok) throw new Error(answer.error);
      return answer.contentType;
    },
    close: () => frames.close(),
  };
}

export interface Frames {
  /**
   * Sends one frame, a line of JSON with the body's length as `bytes`, and the body; resolves to the answer to it. What waits for its turn
   * is kept in memory. Rejects with what the process wrote to stderr when it ends instead.
   */
  ask<T>(header: Readonly<Record<string, unknown>>, body: Uint8Array | string): Promise<T>;
  /** Resolves when the process has answered everything and ended. Idempotent. */
  close(): Promise<void>;
}

/** A process that answers every frame of its stdin with a line of JSON on stdout, in order. It is killed with the test process. */
export function startFrames(command: string, args: readonly string[]): Frames {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const killWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', killWithUs);
  const waiting: { resolve: (answer: unknown) => void; reject: (error: Error) => void }[] = [];
  let stderr = '';
  let ended = false;
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(JSON.parse(line)));
  // A frame that comes too late is told so below.
  child.stdin.on('error', () => undefined);
  const closed = once(child, 'close').finally(() => {
    process.off('exit', killWithUs);
    ended = true;
    for (const { reject } of waiting.splice(0)) reject(new Error(`${command} ended: ${stderr}`));
  });
  closed.catch(() => undefined);

  return {
    ask: <T>(header: Readonly<Record<string, unknown>>, body: Uint8Array | string) =>
      new Promise<T>((resolve, reject) => {
        if (ended) return reject(new Error(`${command} ended: ${stderr}`));
        const bytes = typeof body === 'string' ? Buffer.from(body) : body;
        waiting.push({ resolve: (answer) => resolve(answer as T), reject });
        child.stdin.write(`${JSON.stringify({ ...header, bytes: bytes.length })}\n`);
        child.stdin.write(bytes);
      }),
    close: async () => {
      child.stdin.end();
      await closed;
    },
  };
}
