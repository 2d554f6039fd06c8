import assert from 'node:assert/strict';
import type { Metric } from '../../src/metric/model.ts';
import type { Reader } from '../../src/telemetry/engine.ts';
import { createTelemetry, type Telemetry, type TelemetryOptions } from '../../src/telemetry/index.ts';
import { pageOf as encode } from '../exposition/page.ts';
import { readPage, type Page } from '../exposition/read-page.ts';
import { createRecordingLogger, type LogLine } from '../support/telemetry.ts';

export const engineNames = ['native', 'sdk'] as const;

export interface TelemetryOn extends Telemetry {
  readonly lines: readonly LogLine[];
  /** Of one destination that wants totals. */
  readonly pushed: Reader;
}

/** The telemetry that a program makes for itself, on an engine, with a destination `totals` unless others are asked for. */
export function telemetryOn(engine: 'native' | 'sdk', options: TelemetryOptions = {}): TelemetryOn {
  const { logger, lines } = createRecordingLogger();
  const destinations = [{ name: 'totals', temporality: 'cumulative' as const }];
  const telemetry = createTelemetry({ engine, logger, destinations, ...options });
  return { ...telemetry, lines, pushed: destination(telemetry, options.destinations?.[0]?.name ?? 'totals') };
}

export function destination({ push }: Telemetry, name: string): Reader {
  return push.get(name) ?? assert.fail(`no destination ${name}`);
}

/** What a scrape shows, read by a strict reader; nothing may have been left out of it. */
export async function pageOf({ pull }: Telemetry): Promise<Page> {
  const { snapshot, errors } = await pull.collect(1_000);
  assert.deepEqual(errors, []);
  const { text, dropped } = encode(snapshot);
  assert.deepEqual(dropped, []);
  return readPage(text);
}

/** `name{label="value",...}` -> value, of the samples of custom metrics. */
export async function customSamples(telemetry: Telemetry): Promise<Readonly<Record<string, number>>> {
  return samplesOf(await pageOf(telemetry), 'metergate.custom');
}

/** @param scope whose samples; its own labels are left out. */
export function samplesOf({ samples }: Page, scope: string): Readonly<Record<string, number>> {
  const own = samples.filter(({ labels }) => labels.get('otel_scope_name') === scope);
  return Object.fromEntries(
    own.map(({ name, labels, value }) => {
      const shown = [...labels]
        .filter(([key]) => !key.startsWith('otel_scope_'))
        .map(([key, text]) => `${key}="${text}"`);
      return [shown.length === 0 ? name : `${name}{${shown.join(',')}}`, value];
    }),
  );
}

/** A metric in a collection made now; undefined if it is not there. */
export async function metricOf(reader: Reader, name: string): Promise<Metric | undefined> {
  const { snapshot } = await reader.collect(1_000);
  return snapshot.scopes.flatMap(({ metrics }) => metrics).find((metric) => metric.name === name);
}
