import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How late the event loop was, in seconds. */
export interface EventLoopDelay {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly stddev: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** One owner only: what one takes, another does not see. */
export interface DelayMonitor {
  /**
   * @returns that since it was taken last, or since the start. When the timer has not fired since, what was taken last: samples can be as
   *   close as its ticks. Undefined before the first tick.
   */
  take(): EventLoopDelay | undefined;
  close(): void;
}

/**
 * An idle loop is woken up so often: 0.1 ms of CPU a second, a fourth of what all readings cost. Node's default of 10 ms costs forty times as much.
 *
 * Node can also sample each iteration of the loop, which wakes nothing up. But it takes the time of callbacks of sockets for waiting, as
 * far as the next timer is away, and that is where a gateway does all of its work.
 */
const RESOLUTION_MS = 500;

/** Starts to measure how late a timer fires. Who blocks the loop for less than `RESOLUTION_MS` may not be seen each time. */
export function monitorDelay(): DelayMonitor {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  // Node measures from one timer to the next: without this, an idle loop would show the resolution as its delay.
  const seconds = (ns: number): number => Math.max(0, ns - RESOLUTION_MS * 1e6) / 1e9;

  let delay: EventLoopDelay | undefined;
  return {
    take: () => {
      if (histogram.count === 0) return delay;
      delay = {
        min: seconds(histogram.min),
        max: seconds(histogram.max),
        mean: seconds(histogram.mean),
        stddev: histogram.stddev / 1e9,
        p50: seconds(histogram.percentile(50)),
        p90: seconds(histogram.percentile(90)),
        p99: seconds(histogram.percentile(99)),
      };
      histogram.reset();
      return delay;
    },
    close: () => void histogram.disable(),
  };
}
