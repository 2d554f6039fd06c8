import { metricName, type NameParts } from '../../src/exposition/names.ts';
import { proxyErrors } from '../../src/serving/proxy/errors.ts';
import { catalogue, type InstrumentDefinition } from '../../src/telemetry/catalogue.ts';

/** Table -> what the names of its metrics begin with: of several that fit, the longest. Every metric is in exactly one. */
const groups: Readonly<Record<string, readonly string[]>> = {
  'http.server': ['http.server.'],
  inference: ['inference.'],
  host: ['system.', 'metergate.host.'],
  container: ['container.'],
  process: ['process.', 'metergate.process.', 'nodejs.', 'v8js.'],
  gpu: ['hw.', 'metergate.gpu.'],
  metergate: ['metergate.'],
};

function groupOf(name: string): string | undefined {
  const fitting = Object.entries(groups).flatMap(([group, prefixes]) =>
    prefixes.filter((prefix) => name.startsWith(prefix)).map((prefix) => ({ group, prefix })),
  );
  return fitting.toSorted((a, b) => b.prefix.length - a.prefix.length)[0]?.group;
}

const instruments: readonly [string, InstrumentDefinition][] = Object.entries(catalogue);

/** The tables of docs/metrics.md that the code already says, by the name in the comment before each. */
export function metricTables(): Readonly<Record<string, string>> {
  const byGroup = Object.keys(groups).map((group) => [
    group,
    table(
      ['Metric', 'At Prometheus', 'Kind', 'Unit', 'Attributes', 'Stability', 'Description'],
      instruments.filter(([name]) => groupOf(name) === group).map(metricRow),
    ),
  ]);
  return { ...(Object.fromEntries(byGroup) as Record<string, string>), errors: errorTable(), buckets: bucketTable() };
}

function metricRow([name, definition]: [string, InstrumentDefinition]): string[] {
  const { kind, unit, attributes, stability, description } = definition;
  return [
    code(name),
    code(prometheusName(name, definition)),
    kind.replace('up_down', 'up-down').replaceAll('_', ' '),
    unit === '' ? 'none' : code(unit),
    attributes.map(code).join(', ') || 'none',
    stability,
    description,
  ];
}

export function prometheusName(name: string, { kind, unit }: InstrumentDefinition): string {
  return metricName({ name, unit, kind: kind.replace('observable_', '') as NameParts['kind'] });
}

function errorTable(): string {
  const rows = Object.entries(proxyErrors).map(([name, { status, outcome, message }]) => [
    code(name),
    String(status),
    code(outcome),
    message,
  ]);
  return table(['`error.type`', 'Status', 'Outcome', 'When'], rows);
}

function bucketTable(): string {
  const rows = instruments.flatMap(([name, { bounds, unit }]) =>
    bounds ? [[code(name), code(unit), bounds.join(', ')]] : [],
  );
  return table(['Histogram', 'Unit', 'Upper bounds, besides +Inf'], rows);
}

function code(text: string): string {
  return `\`${text}\``;
}

/** Padded as Prettier does it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
