import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { within, type Deadline } from '../../std/deadline.ts';
import { errorText } from '../../std/error-text.ts';
import { repeat, type Repetition } from '../../std/repeat.ts';
import type { Reader } from '../../telemetry/engine.ts';
import type { Events } from '../../telemetry/events.ts';
import type { Instruments } from '../../telemetry/instruments.ts';
import { openExporter, type Exporter, type ExporterOptions, type ExportOutcome } from './exporter.ts';

interface LaneOptions {
  readonly options: ExporterOptions;
  readonly reader: Reader;
  readonly instruments: Instruments;
  readonly events: Events;
}

/** One destination with its own reader and schedule: never two exports at a time, so that points stay in order. */
export class Lane {
  readonly name: string;
  readonly #lane: LaneOptions;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #exporter: Exporter | undefined;
  #schedule: Repetition | undefined;
  #lastSentMs: number | undefined;
  #exporting: Promise<unknown> = Promise.resolve();
  #lastError: string | null = null;

  constructor(lane: LaneOptions) {
    this.name = lane.options.name;
    this.#lane = lane;
  }

  start(): Promise<void> {
    if (this.#stopping !== undefined) return this.#stopping;
    return (this.#starting ??= this.#open());
  }

  shutdown(deadline: Deadline): Promise<void> {
    return (this.#stopping ??= this.#close(deadline));
  }

  async #open(): Promise<void> {
    this.#exporter = await openExporter(this.#lane.options);
    const { intervalMs } = this.#lane.options;
    this.#schedule = repeat({ intervalMs, task: () => this.export() });
  }

  async #close(deadline: Deadline): Promise<void> {
    // When the start of another lane failed, this one may still be reading its certificates, and would start after its end.
    await Promise.allSettled([this.#starting]);
    const exporter = this.#exporter;
    if (exporter === undefined) return;
    const last = async (): Promise<void> => {
      await this.#schedule?.stop();
      await this.export();
    };
    const inTime = (await within(deadline, last())).done;
    this.#exporter = undefined;
    // The exporter closes its connection when the call that is under way has ended, and that may be past the deadline.
    const closed = Promise.allSettled([exporter.shutdown()]);
    if (inTime) await closed;
    else this.#failed(0, new Error('the shutdown deadline came first'));
  }

  status(): Readonly<Record<string, unknown>> {
    const lastSent = this.#lastSentMs === undefined ? null : new Date(this.#lastSentMs).toISOString();
    return { endpoint: this.#lane.options.endpoint, lastSent, lastError: this.#lastError };
  }

  lastSentMs(): number | undefined {
    return this.#lastSentMs;
  }

  /** One collection on its way out, after the one before it. Whatever goes wrong is counted. @returns whether it was sent. */
  export(): Promise<boolean> {
    const next = this.#exporting.then(() => this.#export());
    this.#exporting = next;
    return next;
  }

  async #export(): Promise<boolean> {
    const { reader, instruments } = this.#lane;
    const exporter = this.#exporter;
    if (exporter === undefined) return false;
    const startMs = performance.now();
    let points = 0;
    let outcome: ExportOutcome;
    try {
      const collection = await reader.collect();
      const resourceMetrics = collection.resourceMetrics();
      points = countPoints(resourceMetrics);
      outcome = await exporter.export(resourceMetrics);
    } catch (error) {
      outcome = { status: 'send_failed', error: error instanceof Error ? error : new Error(errorText(error)) };
    }
    const attributes = { ...this.#attributes, 'metergate.push.outcome': outcome.status };
    const seconds = (performance.now() - startMs) / 1000;
    instruments.histogram('metergate.push.export.duration').record(seconds, attributes);
    if (outcome.status === 'send_failed') {
      this.#failed(points, outcome.error);
      return false;
    }
    this.#lastSentMs = Date.now();
    instruments.counter('metergate.push.points.sent').add(points, this.#attributes);
    return true;
  }

  #failed(points: number, error: Error): void {
    this.#lastError = error.message;
    this.#lane.events.emit('export failed', {
      attributes: this.#attributes,
      amount: points,
      fields: { endpoint: this.#lane.options.endpoint, points, error: error.message },
    });
  }

  get #attributes(): { 'metergate.destination': string } {
    return { 'metergate.destination': this.name };
  }
}

function countPoints({ scopeMetrics }: ResourceMetrics): number {
  let points = 0;
  for (const { metrics } of scopeMetrics) {
    for (const { dataPoints } of metrics) points += dataPoints.length;
  }
  return points;
}
