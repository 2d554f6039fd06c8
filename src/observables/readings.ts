import type { Attributes } from '@opentelemetry/api';
import { catalogue } from '../telemetry/catalogue.ts';
import type { Instruments, ObservableName } from '../telemetry/instruments.ts';
import type { Sample, WriteReading } from './observable.ts';

/** What one sample wrote, by instrument. */
export interface Readings {
  readonly write: WriteReading;
  readonly writeLater: NonNullable<Sample['writeLater']>;
  of(name: ObservableName): readonly Reading[];
  isEmpty(): boolean;
}

export interface Reading {
  readonly value: number;
  readonly attributes: Attributes | undefined;
}

/** @param names that may be written; another one is a programmer's error. */
export function createReadings(names: readonly ObservableName[]): Readings {
  let readings: ReadonlyMap<ObservableName, Reading[]> | undefined;
  let later: ((write: WriteReading) => void) | undefined;
  const all = () => (readings ??= new Map(names.map((name) => [name, []])));
  const write: WriteReading = (name, value, attributes) => {
    const written = all().get(name);
    if (written === undefined) throw new TypeError(`${name} is not among the instruments of this group`);
    if (value !== undefined && Number.isFinite(value) && (value >= 0 || catalogue[name].unit === 'Cel')) {
      written.push({ value, attributes });
    }
  };

  return {
    write,
    writeLater: (given) => (later = given),
    of: (name) => {
      const given = later;
      later = undefined;
      given?.(write);
      return all().get(name) ?? [];
    },
    isEmpty: () => later === undefined && [...all().values()].every((written) => written.length === 0),
  };
}

/**
 * Creates the instruments. Their callbacks run in every collection of every reader, so all they do is look at `latest()`.
 *
 * @param latest of the last sample, or `undefined` when it failed or there is none yet.
 */
export function observeReadings(
  instruments: Instruments,
  names: readonly ObservableName[],
  latest: () => Readings | undefined,
): void {
  for (const name of names) {
    instruments.observe(name, (observe) => {
      for (const { value, attributes } of latest()?.of(name) ?? []) observe(value, attributes);
    });
  }
}
