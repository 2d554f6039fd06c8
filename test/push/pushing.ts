import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { rootCertificates } from 'node:tls';
import { promisify } from 'node:util';
import type { Snapshot } from '../../src/metric/model.ts';
import { feedsOf } from '../../src/push/feeds.ts';
import { createPush, type Push } from '../../src/push/index.ts';
import type { DestinationOptions } from '../../src/push/options.ts';
import { createTelemetry } from '../../src/telemetry/index.ts';
import type { Instruments } from '../../src/telemetry/instruments.ts';
import { deadlineIn } from '../../src/std/deadline.ts';
import { startOtlpSink, type OtlpSink } from '../support/otlp-sink.ts';
import { freePort } from '../support/processes.ts';
import { createRecordingLogger, type LogLine } from '../support/telemetry.ts';
import { until } from '../support/until.ts';

/** Pushes only at shutdown, from a queue in memory, unless it says otherwise. */
export type TestDestination = Partial<Omit<DestinationOptions, 'queue' | 'retry'>> & {
  readonly endpoint: string;
  readonly queue?: Partial<DestinationOptions['queue']>;
  readonly retry?: Partial<DestinationOptions['retry']>;
};

export interface Pushing {
  readonly push: Push;
  readonly instruments: Instruments;
  readonly lines: readonly LogLine[];
  /** What a scrape would say now of a metric about one destination, over all other attributes; 0 when there is nothing yet. */
  readonly pulled: (name: string, destination: string) => Promise<number>;
}

const MIB = 1024 ** 2;

/** The first is called `a`, the next `b` and so on. */
export function toDestination(given: TestDestination, index = 0): DestinationOptions {
  return {
    name: String.fromCharCode('a'.charCodeAt(0) + index),
    protocol: 'grpc',
    intervalMs: 3_600_000,
    timeoutMs: 5_000,
    headers: {},
    compression: 'none',
    temporality: 'cumulative',
    metrics: { excluded: [] },
    batchBytesMax: 3 * MIB,
    exportsMax: 1,
    ...given,
    queue: { bytesMax: 64 * MIB, batchesMax: 100_000, order: 'oldest_first', fsync: 'every_batch', ...given.queue },
    retry: { initialIntervalMs: 5, maxIntervalMs: 20, ...given.retry },
  };
}

/** The real engine, real queues and real transports. */
export function createPushing(...given: readonly TestDestination[]): Pushing {
  return createPushingWith('native', given);
}

/** With either engine. */
export function createPushingWith(engine: 'native' | 'sdk', given: readonly TestDestination[]): Pushing {
  const feeds = feedsOf(given.map(toDestination), engine);
  const { logger, lines } = createRecordingLogger();
  const { instruments, events, pull, push } = createTelemetry({
    engine,
    resource: { 'service.name': 'test' },
    version: '0.0.0',
    destinations: feeds,
    logger,
  });
  return {
    push: createPush({ feeds, engine, readers: push, instruments, events, logger, version: '0.0.0' }),
    instruments,
    lines,
    pulled: async (name, destination) => {
      const { snapshot } = await pull.collect(1_000);
      const metric = snapshot.scopes.flatMap(({ metrics }) => metrics).find((each) => each.name === name);
      if (metric?.kind !== 'sum' && metric?.kind !== 'gauge') return 0;
      const { attributes, values } = metric.points;
      return attributes.reduce(
        (sum, each, row) => sum + (each['metergate.destination'] === destination ? (values[row] ?? 0) : 0),
        0,
      );
    },
  };
}

/** The value of a sum, or the number of measurements of a histogram, by the values of the attributes; over all scopes. */
export function sent(snapshots: readonly Snapshot[], name: string): Readonly<Record<string, number>> {
  const values: Record<string, number> = {};
  const metrics = snapshots.flatMap(({ scopes }) => scopes).flatMap((scope) => scope.metrics);
  for (const metric of metrics.filter((each) => each.name === name)) {
    if (metric.kind === 'exponential_histogram' || metric.kind === 'summary') continue;
    const blocks =
      metric.kind === 'histogram'
        ? metric.points.map(({ attributes, counts }) => ({ attributes, numbers: counts }))
        : [{ attributes: metric.points.attributes, numbers: metric.points.values }];
    for (const { attributes, numbers } of blocks) {
      for (const [row, each] of attributes.entries()) values[Object.values(each).join(' ')] = numbers[row] ?? NaN;
    }
  }
  return values;
}

/** The values of `inference.requests` of every export, in the order of their arrival. */
export function values({ exports }: OtlpSink): number[] {
  return exports.flatMap(({ snapshots }) => Object.values(sent(snapshots, 'inference.requests')));
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

export const soon = () => deadlineIn(10_000);

export async function sinkFor(t: TestContext): Promise<OtlpSink> {
  const sink = await startOtlpSink();
  t.after(() => sink.close());
  return sink;
}

/** One that is not there yet. */
export async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'metergate-push-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'queue');
}

/** Who reads it waits until `answer`, as on a file server that is away. `asked` is when somebody does. */
export async function hangingCertificate(t: TestContext) {
  const path = await folderFor(t);
  await promisify(execFile)('mkfifo', [path]);
  const { O_WRONLY, O_NONBLOCK } = constants;
  const opened = Promise.withResolvers<FileHandle>();
  const asked = () =>
    until('somebody reads it', async () => {
      const file = await open(path, O_WRONLY | O_NONBLOCK).catch(() => undefined);
      if (file) opened.resolve(file);
      return file !== undefined;
    });
  const answer = async (): Promise<void> => {
    const file = await opened.promise;
    await file.writeFile(rootCertificates[0] ?? '');
    await file.close();
  };
  return { path, asked, answer };
}

/** Nobody listens there. */
export async function deadEndpoint(): Promise<string> {
  return `http://127.0.0.1:${await freePort()}`;
}
