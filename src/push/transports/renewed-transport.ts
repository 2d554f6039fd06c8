import { deadlineIn, within } from '../../std/deadline.ts';
import { errorText } from '../../std/error-text.ts';
import type { Tls, Transport } from './transport.ts';

/** How certificates come in that were issued anew while the process runs. */
export interface Renewal {
  /** @returns `before` itself where nothing has changed. @throws if what there is now cannot be used. */
  readonly read: (before: Tls) => Promise<Tls>;
  /** There are others from now on; or there are some that cannot be used, which is said once. */
  readonly onRead: (problem: string | undefined) => void;
}

/** They are looked at before an attempt that follows one that failed, and before any other after so long. */
const LOOK_EVERY_MS = 60_000;
/** Of a file server that does not answer: the attempt is made with what there is. */
const LOOK_TIMEOUT_MS = 1_000;

interface Line {
  readonly tls: Tls;
  readonly transport: Transport;
  calls: number;
}

/** Sends on new connections when there are new certificates; what is under way ends on the old ones. */
export function createRenewedTransport(
  first: Tls,
  open: (tls: Tls) => Transport,
  { read, onRead }: Renewal,
): Transport {
  const lines = new Set<Line>();
  const openLine = (tls: Tls): Line => {
    const line = { tls, transport: open(tls), calls: 0 };
    lines.add(line);
    return line;
  };
  let current = openLine(first);
  let looking: Promise<void> | undefined;
  let lookAtMs = performance.now() + LOOK_EVERY_MS;
  let problem: string | undefined;
  let isClosed = false;

  const leave = async (line: Line): Promise<void> => {
    if (line === current || line.calls > 0) return;
    lines.delete(line);
    await line.transport.close();
  };
  const look = async (): Promise<void> => {
    try {
      const tls = await read(current.tls);
      problem = undefined;
      if (tls === current.tls || isClosed) return;
      const old = current;
      current = openLine(tls);
      onRead(undefined);
      await leave(old);
    } catch (error) {
      const message = error instanceof Error ? error.message : errorText(error);
      if (message !== problem && !isClosed) onRead((problem = message));
    }
  };

  return {
    send: async (payload, signal) => {
      if (performance.now() >= lookAtMs) {
        lookAtMs = performance.now() + LOOK_EVERY_MS;
        looking ??= look().finally(() => (looking = undefined));
        await within(deadlineIn(LOOK_TIMEOUT_MS), looking);
      }
      const line = current;
      line.calls++;
      const outcome = await line.transport.send(payload, signal);
      line.calls--;
      if (outcome.status === 'retryable') lookAtMs = 0;
      await leave(line);
      return outcome;
    },
    close: async () => {
      isClosed = true;
      await Promise.all(Array.from(lines, ({ transport }) => transport.close()));
    },
  };
}
