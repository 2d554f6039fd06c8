import { metricName, type NameParts } from '../../src/exposition/names.ts';
import { proxyErrors } from '../../src/serving/proxy/errors.ts';
import { catalogue, type InstrumentDefinition } from '../../src/telemetry/catalogue.ts';

/** Table -> what the names of its metrics begin with. Every metric is in exactly one. */
const groups = {
  'http.server': 'http.server.',
  inference: 'inference.',
  host: 'system.',
  process: 'process.',
  metergate: 'metergate.',
} as const;

const instruments: readonly [string, InstrumentDefinition][] = Object.entries(catalogue);

/** The tables of docs/metrics.md that the code already says, by the name in the comment before each. */
export function metricTables(): Readonly<Record<string, string>> {
  const byGroup = Object.entries(groups).map(([group, prefix]) => [
    group,
    table(
      ['Metric', 'At Prometheus', 'Kind', 'Unit', 'Attributes', 'Stability', 'Description'],
      instruments.filter(([name]) => name.startsWith(prefix)).map(metricRow),
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
