import { createHash } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';

/**
 * Which process of which machine, `PID.START.PLACE`: process ids come again, in containers nearly always the same one. When it started is in
 * ticks since the boot; the place is a hash of the host, its boot and the namespace of the process id.
 */
export type ProcessIdentity = string;

/** Of this process. @returns undefined where `/proc` is not, which is Linux'. */
export async function identifyProcess(): Promise<ProcessIdentity | undefined> {
  const [status, place] = await Promise.all([readStatus('self'), readPlace()]);
  return status?.startTime && place && `${process.pid}.${status.startTime}.${place}`;
}

/** @returns undefined where that cannot be known: it is of another machine, boot or container. */
export async function isRunning(other: ProcessIdentity): Promise<boolean | undefined> {
  const [pid = '', startTime, place] = other.split('.');
  if (place !== (await readPlace())) return undefined;
  const status = await readStatus(pid);
  return status?.startTime === startTime && status?.state !== 'Z' && status?.state !== 'X';
}

async function readPlace(): Promise<string | undefined> {
  const reads = [readFile('/proc/sys/kernel/random/boot_id', 'utf8'), readlink('/proc/self/ns/pid')];
  const read = await Promise.all(reads).catch(() => undefined);
  const text = read && [hostname(), ...read].join('\n');
  return text && createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Source: proc_pid_stat(5). The name, in parentheses, may have spaces and parentheses of its own. */
async function readStatus(pid: string): Promise<{ state?: string; startTime?: string } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0], startTime: fields[19] };
}
