import { lines, toNumber } from '../procfs/fields.ts';
import type { IsStacked } from './stacked-disks.ts';

/** Bytes. */
export interface DiskIo {
  readonly read: number;
  readonly written: number;
}

/**
 * Adds up `io.stat` of version 2, with lines such as `8:0 rbytes=90430464 wbytes=299008000 rios=8950`.
 *
 * @throws {SampleError} as `isStacked`
 */
export function sumIoStat(text: string, isStacked: IsStacked): DiskIo {
  return sumDisks(
    lines(text).map((line) => ({
      device: line.split(' ', 1)[0] ?? '',
      read: Number(/ rbytes=(\d+)/.exec(line)?.[1] ?? 0),
      written: Number(/ wbytes=(\d+)/.exec(line)?.[1] ?? 0),
    })),
    isStacked,
  );
}

/**
 * Adds up `blkio.throttle.io_service_bytes` of version 1, with lines such as `8:0 Read 90430464`.
 *
 * @returns undefined if one is malformed.
 * @throws {SampleError} as `isStacked`
 */
export function sumServiceBytes(text: string, isStacked: IsStacked): DiskIo | undefined {
  const rows = lines(text).flatMap((line) => {
    const [device = '', operation, bytes] = line.split(' ');
    if (operation !== 'Read' && operation !== 'Write') return [];
    const value = toNumber(bytes) ?? NaN;
    return { device, read: operation === 'Read' ? value : 0, written: operation === 'Write' ? value : 0 };
  });
  const sum = sumDisks(rows, isStacked);
  return Number.isNaN(sum.read + sum.written) ? undefined : sum;
}

function sumDisks(disks: readonly (DiskIo & { readonly device: string })[], isStacked: IsStacked): DiskIo {
  const lowest = disks.filter(({ device }) => !isStacked(device));
  return {
    read: lowest.reduce((sum, { read }) => sum + read, 0),
    written: lowest.reduce((sum, { written }) => sum + written, 0),
  };
}
