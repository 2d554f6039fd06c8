import { performance, type EventLoopUtilization } from 'node:perf_hooks';
import type { ObservableGroup } from '../observable.ts';
import { monitorDelay, type DelayMonitor } from './event-loop-delay.ts';

const ACTIVE = { 'nodejs.eventloop.state': 'active' } as const;
const IDLE = { 'nodejs.eventloop.state': 'idle' } as const;

/** The event loop of the main thread: how busy it is, and how late. */
export function createNodejsGroup(): ObservableGroup {
  let delayMonitor: DelayMonitor | undefined;
  let before: EventLoopUtilization | undefined;

  return {
    name: 'nodejs',
    instruments: [
      'nodejs.eventloop.utilization',
      'nodejs.eventloop.time',
      'nodejs.eventloop.delay.min',
      'nodejs.eventloop.delay.max',
      'nodejs.eventloop.delay.mean',
      'nodejs.eventloop.delay.stddev',
      'nodejs.eventloop.delay.p50',
      'nodejs.eventloop.delay.p90',
      'nodejs.eventloop.delay.p99',
    ],
    start: () => {
      delayMonitor = monitorDelay();
    },
    sample: (into) => {
      const now = performance.eventLoopUtilization();
      into.write('nodejs.eventloop.time', now.active / 1000, ACTIVE);
      into.write('nodejs.eventloop.time', now.idle / 1000, IDLE);
      if (before !== undefined) {
        into.write('nodejs.eventloop.utilization', performance.eventLoopUtilization(now, before).utilization);
      }
      before = now;

      const delay = delayMonitor?.take();
      into.write('nodejs.eventloop.delay.min', delay?.min);
      into.write('nodejs.eventloop.delay.max', delay?.max);
      into.write('nodejs.eventloop.delay.mean', delay?.mean);
      into.write('nodejs.eventloop.delay.stddev', delay?.stddev);
      into.write('nodejs.eventloop.delay.p50', delay?.p50);
      into.write('nodejs.eventloop.delay.p90', delay?.p90);
      into.write('nodejs.eventloop.delay.p99', delay?.p99);
    },
    close: () => delayMonitor?.close(),
  };
}
