import { Agent } from 'node:http';
import { exchange, type Asking } from './exchange.ts';

/** One kind of request of a load, and what the gateway is to make of it. */
export interface Kind extends Asking {
  readonly count: number;
  /** That it has to be answered with; anything else fails the test before a count is compared. */
  readonly status: number;
  /** The server breaks its answer off. */
  readonly cutOff?: true;
  /** The template that the gateway shows; not there = a path that it does not know. */
  readonly route?: string;
  /** Whom it asks for a prediction; not there = it asks for none. */
  readonly model?: AskedModel;
  /** The gateway leaves it out of `http.server.request.duration`. */
  readonly unmeasured?: true;
}

export interface AskedModel {
  readonly name: string;
  readonly version?: string;
  /** The server has none of that name and version. */
  readonly unknown?: true;
}

/** One request, as it was answered. */
export interface Entry<K extends Kind = Kind> {
  readonly kind: K;
  readonly name: string;
  readonly method: string;
  readonly status: number;
  readonly whole: boolean;
}

export interface Load<K extends Kind> {
  /** Of the gateway. */
  readonly url: string;
  readonly kinds: Readonly<Record<string, K>>;
}

const CONCURRENCY = 8;

/**
 * Sends one of each kind first, in their order, so that a model is known before something fails; then what is left, mixed, several at a
 * time. Some are answered by an error behind which the server drops the connection: that must not be felt by those beside them.
 */
export async function sendLoad<K extends Kind>({ url, kinds }: Load<K>): Promise<Entry<K>[]> {
  const agent = new Agent({ keepAlive: true });
  const entries: Entry<K>[] = [];
  const send = async ([name, kind]: [string, K]): Promise<void> => {
    const { status, whole } = await exchange(url, kind, agent);
    const method = kind.method ?? (kind.body === undefined ? 'GET' : 'POST');
    entries.push({ kind, name, method, status, whole });
  };
  const named = Object.entries(kinds);
  for (const each of named) await send(each);
  const left = mixed(named);
  const worker = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) await send(next);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  agent.destroy();
  return entries;
}

/** What was answered otherwise than it had to be. */
export function surprises(entries: readonly Entry[]): string[] {
  return entries
    .filter(({ kind, status, whole }) => status !== kind.status || whole !== (kind.cutOff !== true))
    .map(({ name, status, whole }) => `${name}: ${status}${whole ? '' : ', cut off'}`);
}

export function isSuccess({ status, whole }: Entry): boolean {
  return status < 400 && whole;
}

/** How many there are of each key; those without one are left out. */
export function tally<E>(entries: readonly E[], keyOf: (entry: E) => string | undefined): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const entry of entries) {
    const key = keyOf(entry);
    if (key !== undefined) counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** What is left behind the first of each, all kinds taking turns. */
function mixed<K extends Kind>(named: readonly [string, K][]): [string, K][] {
  const rounds = Math.max(...named.map(([, { count }]) => count));
  return Array.from({ length: rounds }, (_, round) => named.filter(([, { count }]) => round + 1 < count)).flat();
}
