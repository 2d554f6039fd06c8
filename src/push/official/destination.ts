import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { within, type Deadline } from '../../std/deadline.ts';
import { errorText } from '../../std/error-text.ts';
import { repeat, type Repetition } from '../../std/repeat.ts';
import type { Reader } from '../../telemetry/engine.ts';
import { shareNextRun } from '../next-run.ts';
import type { Flushed } from '../push.ts';
import { Records, type AttemptOutcome, type RecordsOptions } from '../records.ts';
import { openExporter, type Exporter, type ExporterOptions } from './exporter.ts';

export interface OfficialDestinationOptions extends Omit<RecordsOptions, 'name' | 'endpoint'> {
  readonly options: ExporterOptions;
  readonly reader: Reader;
}

/** One receiver with its own reader and schedule: never two exports at a time, so that points stay in order. */
export class OfficialDestination {
  readonly name: string;
  readonly records: Records;
  readonly #given: OfficialDestinationOptions;
  /** A collection from now on, on its way out. */
  readonly #next = shareNextRun(() => this.#export());
  #starting: Promise<void> | undefined;
  #isStopping = false;
  #exporter: Exporter | undefined;
  #schedule: Repetition | undefined;

  constructor(given: OfficialDestinationOptions) {
    const { name, endpoint } = given.options;
    this.name = name;
    this.records = new Records({ ...given, name, endpoint });
    this.#given = given;
  }

  start(): Promise<void> {
    return (this.#starting = this.#open());
  }

  async stop(deadline: Deadline): Promise<void> {
    this.#isStopping = true;
    const exporter = this.#exporter;
    if (exporter === undefined) {
      // When the start of another one failed, this one may still be reading its certificates.
      await within(deadline, Promise.allSettled([this.#starting]));
      return;
    }
    const last = async (): Promise<'sent' | 'failed'> => {
      await this.#schedule?.stop();
      return this.#next();
    };
    const exported = await within(deadline, last());
    this.#exporter = undefined;
    // It closes its connection when the call that is under way has ended, and that may be past the deadline.
    await within(deadline, Promise.allSettled([exporter.shutdown()]));
    const outcome = exported.done ? exported.value : 'unknown';
    this.#given.logger.info('last export', { 'metergate.destination': this.name, outcome });
  }

  async flush(deadline: Deadline): Promise<Flushed> {
    const exported = await within(deadline, this.#next());
    return [this.name, { status: exported.done ? exported.value : 'pending', batches: 0 }];
  }

  status(): Readonly<Record<string, unknown>> {
    return { ...this.records.health.status() };
  }

  async #open(): Promise<void> {
    const { options } = this.#given;
    const exporter = await openExporter(options);
    if (this.#isStopping) return exporter.shutdown();
    this.#exporter = exporter;
    this.#schedule = repeat({ intervalMs: options.intervalMs, task: this.#next });
  }

  /** Whatever goes wrong is counted. */
  async #export(): Promise<'sent' | 'failed'> {
    const exporter = this.#exporter;
    if (exporter === undefined) return 'failed';
    const startMs = performance.now();
    let points = 0;
    let outcome: AttemptOutcome;
    try {
      const collection = await this.#given.reader.collect();
      const resourceMetrics = collection.resourceMetrics();
      points = countPoints(resourceMetrics);
      outcome = await exporter.export(resourceMetrics);
    } catch (error) {
      outcome = { status: 'send_failed', code: 'collection', message: errorText(error) };
    }
    this.records.attempted({ points }, outcome, (performance.now() - startMs) / 1000);
    if (outcome.status !== 'sent') return 'failed';
    this.records.sent(points);
    return 'sent';
  }
}

function countPoints({ scopeMetrics }: ResourceMetrics): number {
  const metrics = scopeMetrics.flatMap((scope) => scope.metrics);
  return metrics.reduce((sum, { dataPoints }) => sum + dataPoints.length, 0);
}
