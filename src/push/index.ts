import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { deadlineIn, within, type Deadline } from '../std/deadline.ts';
import type { Part } from '../std/part.ts';
import { repeat, type Repetition } from '../std/repeat.ts';
import { collect } from '../telemetry/collect.ts';
import type { Reader } from '../telemetry/engine.ts';
import type { Events } from '../telemetry/events.ts';
import type { Instruments } from '../telemetry/instruments.ts';
import { openDestination, type Destination, type DestinationOptions } from './destination.ts';

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
    status: () => Object.fromEntries(lanes.map((lane) => [lane.name, lane.status()])),
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
  #destination: Destination | undefined;
  #schedule: Repetition | undefined;
  #lastSent: string | null = null;
  #lastError: string | null = null;

  constructor(lane: LaneOptions) {
    this.name = lane.options.name;
    this.#lane = lane;
  }

  async start(): Promise<void> {
    if (this.#destination !== undefined) return;
    this.#destination = await openDestination(this.#lane.options);
    const { intervalMs } = this.#lane.options;
    this.#schedule = repeat({ intervalMs, task: () => this.#export() });
  }

  async shutdown(deadline: Deadline): Promise<void> {
    const destination = this.#destination;
    if (destination === undefined) return;
    const last = async (): Promise<void> => {
      await this.#schedule?.stop();
      await this.#export();
    };
    if (!(await within(deadline, last())).done) this.#failed(0, new Error('the shutdown deadline came first'));
    this.#destination = undefined;
    await within(deadlineIn(1_000), destination.shutdown());
  }

  status(): Readonly<Record<string, unknown>> {
    return { endpoint: this.#lane.options.endpoint, lastSent: this.#lastSent, lastError: this.#lastError };
  }

  async #export(): Promise<void> {
    const { reader, instruments, events } = this.#lane;
    if (this.#destination === undefined) return;
    const startMs = performance.now();
    let points = 0;
    try {
      const resourceMetrics = await collect(reader, this.name, events);
      points = countPoints(resourceMetrics);
      const outcome = await this.#destination.export(resourceMetrics);
      if (outcome.status === 'send_failed') {
        this.#failed(points, outcome.error);
        return;
      }
      this.#lastSent = new Date().toISOString();
      instruments.counter('metergate.push.points.sent').add(points, this.#attributes);
    } catch (error) {
      this.#failed(points, error instanceof Error ? error : new Error(String(error)));
    } finally {
      const seconds = (performance.now() - startMs) / 1000;
      instruments.histogram('metergate.push.export.duration').record(seconds, this.#attributes);
    }
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
