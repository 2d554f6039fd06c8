import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attributes } from '@opentelemetry/api';
import { parseConfig } from '../../src/config/index.ts';
import type { HostSources } from '../../src/observables/host/host.ts';
import { createProcfsGroups } from '../../src/observables/host/procfs/index.ts';
import type { ObservableGroup } from '../../src/observables/observable.ts';
import { createReadings, type Reading } from '../../src/observables/readings.ts';
import { catalogue } from '../../src/telemetry/catalogue.ts';
import type { ObservableName } from '../../src/telemetry/instruments.ts';

/** What an independent program says that one of our readings has to be. */
export interface Expected {
  readonly name: ObservableName;
  /** Those that tell it from the other readings of the instrument; ours may have more. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly value: number;
  /** By how much it may be beside the two samples of ours that were taken before and after. */
  readonly margin: number;
}

/** What our groups read at one moment, by instrument. */
export type Readings = (name: ObservableName) => readonly Reading[];

export interface Host {
  readonly sources: HostSources;
  sample(): Promise<Readings>;
}

/**
 * The machine moves between a sample and what is read beside it. A reading that is wrong is wrong each time, one that only moved is
 * right the next time.
 */
const TRIES = 30;
const PAUSE_MS = 150;

/** All groups of the host as the configuration has them by default. */
export function openHost(changed: (sources: HostSources) => HostSources = (sources) => sources): Host {
  const sources = changed(defaultSources());
  const groups = createProcfsGroups(sources);
  return { sources, sample: () => sampleAll(groups) };
}

function defaultSources(): HostSources {
  const text = 'upstreams: [{ name: a, url: "http://h" }]';
  const result = parseConfig({ text, source: '', env: {}, readFile: () => '' });
  assert.ok(result.ok);
  return result.config.observables.host;
}

async function sampleAll(groups: readonly ObservableGroup[]): Promise<Readings> {
  const readings = createReadings(groups.flatMap(({ instruments }) => instruments));
  for (const group of groups) {
    await group.sample({
      write: readings.write,
      report: (error) => {
        throw error;
      },
      takenAgo: () => undefined,
    });
  }
  return (name) => readings.of(name);
}

export interface Comparison {
  readonly host: Host;
  /** All that the other program knows. */
  readonly expected: () => Promise<readonly Expected[]> | readonly Expected[];
  /** What it does not know of instruments that it knows. */
  readonly onlyOurs?: readonly Pick<Expected, 'name' | 'attributes'>[];
}

/**
 * Takes a sample, what the other program says, and a sample again, until all agrees: what it knows, we have to have; what we have of
 * the same instruments, it has to know.
 *
 * @throws if in every try something did not.
 */
export async function assertAgrees({ host, expected, onlyOurs = [] }: Comparison): Promise<void> {
  let faults: string[] = [];
  for (let i = 0; i < TRIES; i++) {
    if (i > 0) await sleep(PAUSE_MS);
    const before = await host.sample();
    const theirs = await expected();
    const after = await host.sample();
    assert.ok(theirs.length > 0, 'nothing was compared');
    faults = [...theirs.flatMap((each) => faultsOf(each, before, after)), ...unknown(theirs, onlyOurs, after)];
    if (faults.length === 0) return;
  }
  assert.fail(faults.join('\n'));
}

function faultsOf(expected: Expected, before: Readings, after: Readings): string[] {
  const { name, attributes, value, margin } = expected;
  const [[first, ...more], [last]] = [readingsOf(before, expected), readingsOf(after, expected)];
  const what = `${name} ${JSON.stringify(attributes)}`;
  if (first === undefined || last === undefined) return [`${what} is ${value} and we do not have it`];
  if (more.length > 0) return [`${what}: we have ${more.length + 1} of them`];
  const counts = catalogue[name].kind === 'observable_counter';
  if (counts && last.value < first.value) return [`${what} fell from ${first.value} to ${last.value}`];
  const [least, most] = [Math.min(first.value, last.value), Math.max(first.value, last.value)];
  const slack = slackOf(expected);
  if (value >= least - slack && value <= most + slack) return [];
  return [`${what} is ${value}, more than ${margin} beside ours, ${first.value} and then ${last.value}`];
}

/** Its margin, and for what both compute from whole numbers the last digits of a double. */
export function slackOf({ value, margin }: Expected): number {
  return margin + Math.abs(value) * 1e-9;
}

function readingsOf(readings: Readings, { name, attributes }: Pick<Expected, 'name' | 'attributes'>): Reading[] {
  return readings(name).filter((reading) => has(reading.attributes ?? {}, attributes));
}

function unknown(expected: readonly Expected[], onlyOurs: Comparison['onlyOurs'] = [], readings: Readings): string[] {
  return [...new Set(expected.map(({ name }) => name))].flatMap((name) => {
    const known = [...expected, ...onlyOurs].filter((each) => each.name === name);
    return readings(name)
      .filter(({ attributes = {} }) => !known.some((each) => has(attributes, each.attributes)))
      .map(({ attributes, value }) => `${name} ${JSON.stringify(attributes)} is ${value} here and unknown there`);
  });
}

function has(attributes: Attributes, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => attributes[key] === value);
}

/** By the patterns of the defaults: all that have a `*` have it at the end. */
export function isExcluded(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) => (pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern));
}
