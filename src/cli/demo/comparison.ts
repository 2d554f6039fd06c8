import type { Snapshot } from '../../metric/model.ts';
import { outcomes, type Outcome } from '../../serving/proxy/outcome.ts';
import { zeroCounts, type Counts, type Ledger } from './load.ts';

/** The same requests as counted by three: who sent them, a scrape, and the receiver of the pushes. */
export interface Comparison {
  /** Also that every request was answered, and that the model server counted the same successes. */
  readonly agree: boolean;
  readonly outcomes: Readonly<
    Record<Outcome, { readonly sent: number; readonly pulled: number; readonly pushed: number }>
  >;
  /** What the table does not show. */
  readonly remarks: readonly string[];
}

export interface Counted {
  readonly sent: Ledger;
  readonly pulled: Counts;
  readonly pushed: Counts;
  /** As the model server itself counted them. */
  readonly upstreamSuccesses: number;
}

export function compare({ sent, pulled, pushed, upstreamSuccesses }: Counted): Comparison {
  const { counts, unanswered } = sent;
  const rows = outcomes.map((outcome) => {
    return [outcome, { sent: counts[outcome], pulled: pulled[outcome], pushed: pushed[outcome] }] as const;
  });
  const remarks = [`the model server itself counted ${upstreamSuccesses} successes`];
  if (unanswered.length > 0)
    remarks.push(`${unanswered.length} requests got no answer, the first: ${unanswered[0] ?? ''}`);
  return {
    agree:
      rows.every(([, row]) => row.sent === row.pulled && row.sent === row.pushed) &&
      unanswered.length === 0 &&
      upstreamSuccesses === counts.success,
    outcomes: Object.fromEntries(rows) as unknown as Comparison['outcomes'],
    remarks,
  };
}

/** Sums a metric over the samples of a page in text 0.0.4. */
export function sumOfPage(page: string, sampleName: string): number {
  return samplesOf(page, sampleName).reduce((sum, { value }) => sum + value, 0);
}

/** `inference_requests_total` by outcome. */
export function countsOfPage(page: string): Counts {
  const counts = zeroCounts();
  for (const { labels, value } of samplesOf(page, 'inference_requests_total')) {
    for (const outcome of outcomes) {
      if (labels.includes(`inference_outcome="${outcome}"`)) counts[outcome] += value;
    }
  }
  return counts;
}

/** `inference.requests` by outcome. */
export function countsOfSnapshots(snapshots: readonly Snapshot[]): Counts {
  const counts = zeroCounts();
  const metrics = snapshots.flatMap(({ scopes }) => scopes.flatMap((scope) => scope.metrics));
  for (const metric of metrics) {
    if (metric.name !== 'inference.requests' || metric.kind !== 'sum') continue;
    for (const [row, attributes] of metric.points.attributes.entries()) {
      const outcome = outcomes.find((each) => each === attributes['inference.outcome']);
      if (outcome !== undefined) counts[outcome] += metric.points.values[row] ?? 0;
    }
  }
  return counts;
}

export function formatTable({ outcomes: rows }: Comparison): string {
  const lines = [['outcome', 'sent', 'pulled', 'pushed', '']];
  for (const [outcome, { sent, pulled, pushed }] of Object.entries(rows)) {
    const verdict = sent === pulled && sent === pushed ? 'agree' : 'DIFFER';
    lines.push([outcome, String(sent), String(pulled), String(pushed), verdict]);
  }
  const pad = (cells: string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(10) : cell.padStart(9)))
      .join('')
      .trimEnd();
  return `${lines.map(pad).join('\n')}\n`;
}

function samplesOf(page: string, sampleName: string): { labels: string; value: number }[] {
  return page
    .split('\n')
    .filter((line) => line.startsWith(`${sampleName}{`) || line.startsWith(`${sampleName} `))
    .map((line) => {
      const at = line.lastIndexOf(' ');
      return { labels: line.slice(sampleName.length, at), value: Number(line.slice(at + 1)) };
    });
}
