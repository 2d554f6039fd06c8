import { SampleError } from '../../observable.ts';
import type { Gpu, GpuField } from '../gpu.ts';
import type { Column, Detail, Unit } from './columns.ts';

/** One line of the answer. */
export interface Row {
  /** Of the GPU, the same as long as the program runs. */
  readonly index: string;
  /** How many GPUs the machine has, where it says so. */
  readonly count: number | undefined;
  readonly uuid: string | undefined;
  readonly gpu: Omit<Gpu, 'id'>;
  /** Why values are missing that should not be. */
  readonly faults: readonly SampleError[];
}

/** A column without a value, and what there is in its place. */
interface Gap {
  readonly column: Column;
  readonly text: string;
}

export const SEPARATOR = ', ';

/** So that no message is longer than a line. */
const DETAIL_MAX = 100;

/** @returns undefined if the line does not have the columns. */
export function parseRow(line: string, columns: readonly Column[]): Row | undefined {
  const texts = cellsOf(line, columns.length);
  const details: Partial<Record<Detail, string>> = {};
  const values: Partial<Record<GpuField, number>> = {};
  const gaps: Gap[] = [];
  if (texts === undefined) return undefined;
  for (let at = 0; at < columns.length; at++) {
    const column = columns[at];
    const text = texts[at];
    if (column === undefined || text === undefined) continue;
    if ('detail' in column) {
      if (isGap(text)) gaps.push({ column, text });
      else details[column.detail] = text.slice(0, DETAIL_MAX);
      continue;
    }
    const value = valueOf(text, column.unit);
    if (value === undefined) gaps.push({ column, text });
    else values[column.field] ??= value;
  }
  const { index, count, uuid } = details;
  if (index === undefined || !/^\d{1,5}$/.test(index)) return undefined;

  const fault = faultOf(gaps, values);
  const who = `GPU ${index}${uuid === undefined ? '' : ` (${uuid})`}`;
  return {
    index,
    count: count === undefined ? undefined : Number(count),
    uuid,
    gpu: gpuOf(details, values, fault),
    faults: fault === undefined ? gapErrors(who, gaps, values) : [new SampleError('device', `${who}: ${fault}`)],
  };
}

/** The last may contain what they are separated by. */
export function cellsOf(line: string, count: number): readonly string[] | undefined {
  const texts = line.split(SEPARATOR);
  if (texts.length < count) return undefined;
  if (texts.length > count) texts.splice(count - 1, Infinity, texts.slice(count - 1).join(SEPARATOR));
  return texts;
}

function gpuOf(details: Partial<Record<Detail, string>>, values: Gpu['values'], fault: string | undefined) {
  const { index = '', model, driverVersion, firmwareVersion, pciAddress, migMode } = details;
  return {
    name: index,
    model,
    vendor: 'NVIDIA',
    driverVersion,
    firmwareVersion,
    pciAddress,
    migMode: migMode === 'Enabled' ? 'enabled' : migMode === 'Disabled' ? 'disabled' : undefined,
    state: fault === undefined ? stateOf(details) : 'failed',
    // To V8, an object that grew by computed keys is a hash table, which is slow to copy; a copy of it is none.
    values: { ...values },
  } as const;
}

/** As a rule in brackets. */
function isGap(text: string): boolean {
  return text === '' || text === 'N/A' || text.startsWith('[');
}

/** What the device or its driver does not have: that is no fault. */
function isAbsent(text: string): boolean {
  return (
    text === '[N/A]' ||
    /^$|^N\/A$|^\[(Not Supported|Function Not Found|Requested functionality has been deprecated)\]$/.test(text)
  );
}

/** @returns undefined if it is no measurement. */
export function valueOf(text: string, { most, convert }: Unit): number | undefined {
  const value = parseValue(text);
  return value === undefined || Math.abs(value) > most ? undefined : convert(value);
}

function parseValue(text: string): number | undefined {
  // Nearly all of them. An empty text would be 0, and those of other bases have a letter there.
  const value = text === '' || text.charCodeAt(1) > CODE_OF_9 ? NaN : Number(text);
  if (Number.isFinite(value)) return value;
  if (text === 'Not Active') return 0;
  if (text === 'Active') return 1;
  const state = /^P(\d+)$/.exec(text)?.[1];
  return state === undefined ? undefined : Number(state);
}

const CODE_OF_9 = 57;

/** What is said in place of the values of a GPU that does not work. One sensor that cannot be read is no fault of the GPU. */
function faultOf(gaps: readonly Gap[], values: Gpu['values']): string | undefined {
  const said = gaps.filter(({ text }) => !isAbsent(text));
  const gone = said.find(({ text }) => /^\[GPU (is lost|requires reset)/i.test(text));
  if (gone !== undefined) return gone.text;
  const isSilent = gaps.length > 0 && Object.keys(values).length === 0 && said.every(({ text }) => isGap(text));
  return isSilent ? `no readings but ${said[0]?.text ?? '[N/A]'}` : undefined;
}

/** In one message. */
const NAMES_MAX = 5;

/** `[Unknown Error]`, `[Insufficient Permissions]` and the like are said by the device; all else is not known. */
function gapErrors(who: string, gaps: readonly Gap[], values: Gpu['values']): SampleError[] {
  const wrong = gaps.filter(({ column, text }) => !isAbsent(text) && !('field' in column && column.field in values));
  if (wrong.length === 0) return [];
  const tell = (reason: 'device' | 'malformed', what: string): SampleError[] => {
    const all = wrong.filter(({ text }) => isGap(text) === (reason === 'device')).map(({ column }) => column.names[0]);
    const more = all.length > NAMES_MAX ? ` and ${all.length - NAMES_MAX} more` : '';
    const told = all.slice(0, NAMES_MAX).join(', ');
    return all.length === 0 ? [] : [new SampleError(reason, `${who}: ${what} ${told}${more}`)];
  };
  const said = wrong.find(({ text }) => isGap(text))?.text.slice(0, DETAIL_MAX) ?? '';
  // Not the text of these, which may be another one each time.
  return [...tell('device', `${said} in place of`), ...tell('malformed', 'no value that is known in')];
}

/** NVML's `nvmlDeviceGpuRecoveryAction_t` names what helps; rows of memory wait for a reset to be remapped, or could not be. */
function stateOf({ recoveryAction = 'None', rowsPending, rowsFailed }: Partial<Record<Detail, string>>): Gpu['state'] {
  const isYes = (text: string | undefined): boolean => text !== undefined && /^(yes|1)$/i.test(text);
  if (/drain/i.test(recoveryAction)) return 'degraded';
  if (/reset|reboot/i.test(recoveryAction)) return 'failed';
  return isYes(rowsPending) || isYes(rowsFailed) ? 'degraded' : 'ok';
}
