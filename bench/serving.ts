import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a server tells who started it. */
export interface Announcement {
  readonly url: string;
  /** Where it tells what it has counted. */
  readonly metricsUrl?: string | undefined;
  /** The process whose time counts, if it is not the one that announces. */
  readonly pid?: number | undefined;
}

/** Listens on a free port of the loopback. */
export async function serve(server: Server): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  announce({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

/** Says where it listens, and ends the process as soon as whoever started it is gone. */
export function announce(announcement: Announcement): void {
  process.once('disconnect', () => process.exit());
  if (!process.connected) process.exit();
  process.send?.(announcement);
}

/** The upstream that a proxy is to stand before. */
export function upstreamUrl(): string {
  const url = process.argv[2];
  if (url === undefined) throw new Error('it needs the URL of its upstream');
  return url;
}
