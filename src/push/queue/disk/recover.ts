import type { QueueOptions } from '../queue.ts';
import type { FileSegment } from './file-segment.ts';
import type { File } from './file-system.ts';
import { encodeRecordHeader, encodeSegmentHeader, RECORD_HEADER_BYTES } from './format.ts';
import { type Finding, scanSegment } from './scan.ts';

export interface RecoverOptions extends Pick<QueueOptions, 'onFault'> {
  /** Is told what is in the file. */
  readonly segment: FileSegment;
  /** A batch is lost, and so many bytes. */
  readonly onDamage: (bytes: number) => void;
}

/**
 * Finds out what is in a file that was there before, and takes what is damaged out of the way, so that it is reported once.
 *
 * @returns false = it is not ours, and stays as it is.
 * @throws the error of the system; nothing was reported then, and nothing changed.
 */
export async function recoverSegment(file: File, options: RecoverOptions): Promise<boolean> {
  const { segment, onFault } = options;
  const damages: Damage[] = [];
  segment.foundEnd(await file.size());
  for await (const finding of scanSegment(file, segment.seed)) {
    if (finding.kind === 'record') {
      segment.found(finding.header, finding.offset);
    } else if (finding.kind === 'foreign') {
      const what =
        finding.version === undefined ? 'has nothing in it that is known' : `is of format version ${finding.version}`;
      onFault({ code: 'foreign_file', message: `${segment.name} ${what}: it is left as it is` });
      return false;
    } else damages.push(finding);
  }
  for (const damage of damages) {
    onFault({ code: 'damaged', message: `${segment.name}: ${describe(damage)}` });
    if (isLoss(damage)) options.onDamage(damage.bytes);
    await mend(file, damage, segment.seed);
    if (damage.kind === 'tail') segment.foundEnd(damage.offset);
  }
  return true;
}

type Damage = Exclude<Finding, { kind: 'record' | 'foreign' }>;

function isLoss(damage: Damage): damage is Extract<Damage, { kind: 'damaged' | 'tail' }> {
  return damage.kind === 'damaged' || (damage.kind === 'tail' && !damage.torn);
}

function describe(damage: Damage): string {
  if (damage.kind === 'damaged_header') return 'its header at offset 0 is damaged, and is written anew';
  if (damage.offset === 0) return `there is nothing in its ${damage.bytes} bytes, and it is removed`;
  const where = `${damage.bytes} bytes at offset ${damage.offset}`;
  if (damage.kind === 'damaged') return `${where} are damaged, and are skipped`;
  return damage.torn
    ? `${where} are part of a batch that had not been kept, and are cut off`
    : `${where} are damaged, and are cut off`;
}

/** Where the disk does not allow it, the next start finds the same damage again. */
async function mend(file: File, damage: Damage, seed: number): Promise<void> {
  try {
    if (damage.kind === 'damaged_header') await file.write([encodeSegmentHeader()], 0);
    else if (damage.kind === 'tail') await file.truncate(damage.offset);
    else await file.write([encodeGap(damage.bytes, seed)], damage.offset);
  } catch {
    // It was named.
  }
}

/** A record of which nothing is wanted, in the place of what is damaged; zeros, where there is no room for one. */
function encodeGap(bytes: number, seed: number): Uint8Array {
  if (bytes < RECORD_HEADER_BYTES) return new Uint8Array(bytes);
  const payloadBytes = bytes - RECORD_HEADER_BYTES;
  return encodeRecordHeader({ payloadBytes, payloadCrc: 0, timeMs: 0, points: 0, done: true }, seed);
}
