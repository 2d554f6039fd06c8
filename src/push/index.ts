import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { within, type Deadline } from '../std/deadline.ts';
import { errorText } from '../std/error-text.ts';
import type { Part } from '../std/part.ts';
import { repeat, type Repetition } from '../std/repeat.ts';
import type { Reader } from '../telemetry/engine.ts';
import type { Events } from '../telemetry/events.ts';
import type { Instruments } from '../telemetry/instruments.ts';
import { openDestination, type Destination, type DestinationOptions, type ExportOutcome } from './destination.ts';

export interface PushOptions {
  readonly destinations: readonly DestinationOptions[];
  /** By the destination's name. */
  readonly readers: ReadonlyMap<string, Reader>;
  readonly instruments: Instruments;
  readonly events: Events;
}

/** Sends a collection to every destination at its interval, and one last at shutdown. Each goes its own way. */
export function createPush({ destinations, readers, instruments, events }: PushOptions): Part {
  const lanes = destinations.map((options) => {
    const reader = readers.get(options.name);
    if (reader === undefined) throw new Error(`no reader for destination ${options.name}`);
    return new Lane({ options, reader, instruments, events });
  });
  return {
    name: 'push',
    start: async () => {
      await Promise.all(lanes.map((lane) => lane.start()));
    },
    shutdown: async (deadline) => {
      await Promise.all(lanes.map((lane) => lane.shutdown(deadline)));
    },
    // A dead collector does not make the gateway less ready to serve.
    ready: () => true,
    status: () => ({ destinations: Object.fromEntries(lanes.map((lane) => [lane.name, lane.status()])) }),
  };
}

interface LaneOptions {
  readonly options: DestinationOptions;
  readonly reader: Reader;
  readonly instruments: Instruments;
  readonly events: Events;
}

/** One destination with its own reader and schedule: never two exports at a time, so that points stay in order. */
class Lane {
  readonly name: string;
  readonly #lane: LaneOptions;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #destination: Destination | undefined;
  #schedule: Repetition | undefined;
  #lastSent: string | null = null;
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
    this.#destination = await openDestination(this.#lane.options);
    const { intervalMs } = this.#lane.options;
    this.#schedule = repeat({ intervalMs, task: () => this.#export() });
  }

  async #close(deadline: Deadline): Promise<void> {
    // When the start of another lane failed, this one may still be reading its certificates, and would start after its end.
    await Promise.allSettled([this.#starting]);
    const destination = this.#destination;
    if (destination === undefined) return;
    const last = async (): Promise<void> => {
      await this.#schedule?.stop();
      await this.#export();
    };
    const inTime = (await within(deadline, last())).done;
    this.#destination = undefined;
    // The exporter closes its connection when the call that is under way has ended, and that may be past the deadline.
    const closed = Promise.allSettled([destination.shutdown()]);
    if (inTime) await closed;
    else this.#failed(0, new Error('the shutdown deadline came first'));
  }

  status(): Readonly<Record<string, unknown>> {
    return { endpoint: this.#lane.options.endpoint, lastSent: this.#lastSent, lastError: this.#lastError };
  }

  /** One collection on its way out. Whatever goes wrong is counted; nothing is thrown. */
  async #export(): Promise<void> {
    const { reader, instruments } = this.#lane;
    const destination = this.#destination;
    if (destination === undefined) return;
    const startMs = performance.now();
    let points = 0;
    let outcome: ExportOutcome;
    try {
      const collection = await reader.collect();
      const resourceMetrics = collection.resourceMetrics();
      points = countPoints(resourceMetrics);
      outcome = await destination.export(resourceMetrics);
    } catch (error) {
      outcome = { status: 'send_failed', error: error instanceof Error ? error : new Error(errorText(error)) };
    }
    const attributes = { ...this.#attributes, 'metergate.push.outcome': outcome.status };
    const seconds = (performance.now() - startMs) / 1000;
    instruments.histogram('metergate.push.export.duration').record(seconds, attributes);
    if (outcome.status === 'send_failed') {
      this.#failed(points, outcome.error);
      return;
    }
    this.#lastSent = new Date().toISOString();
    instruments.counter('metergate.push.points.sent').add(points, this.#attributes);
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
