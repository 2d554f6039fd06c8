import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';

/** Which process of which machine: process ids come again, in containers nearly always the same one. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly hostName: string;
  /** Unix ms of when this was written. */
  readonly timeMs: number;
  /** The others are Linux', and not there where `/proc` is not. In ticks since the boot. */
  readonly startTime?: string | undefined;
  readonly bootId?: string | undefined;
  readonly pidNamespace?: string | undefined;
}

/** Of this process. */
export async function identifyProcess(): Promise<ProcessIdentity> {
  const [status, bootId, pidNamespace] = await Promise.all([
    readStatus('self'),
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => undefined),
    readlink('/proc/self/ns/pid').catch(() => undefined),
  ]);
  const startTime = status?.startTime;
  return {
    pid: process.pid,
    hostName: hostname(),
    timeMs: Date.now(),
    startTime,
    bootId: bootId?.trim(),
    pidNamespace,
  };
}

/** @returns undefined where that cannot be known: it is of another machine, boot or container, or this is no Linux. */
export async function isRunning(other: ProcessIdentity): Promise<boolean | undefined> {
  const here = await identifyProcess();
  for (const key of ['hostName', 'bootId', 'pidNamespace'] as const) if (other[key] !== here[key]) return undefined;
  if (other.bootId === undefined || other.pidNamespace === undefined || other.startTime === undefined) return undefined;
  const status = await readStatus(other.pid);
  return status?.startTime === other.startTime && status.state !== 'Z' && status.state !== 'X';
}

/** Source: proc_pid_stat(5). The name, in parentheses, may have spaces and parentheses of its own. */
async function readStatus(pid: number | 'self'): Promise<{ state?: string; startTime?: string } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0], startTime: fields[19] };
}
