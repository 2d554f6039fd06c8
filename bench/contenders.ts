import type { Contender } from './measure.ts';

/** Who takes part in which case: `otel_js` stands for the file of that name, beside the caller's. The table is in this order. */
export type Participants = Readonly<Record<string, readonly string[]>>;

/** The peer's figure and ours, by the name of their ratio. */
export type Ratios = Readonly<Record<string, readonly [string, string]>>;

/** @param folder of the files, as `import.meta.url`. */
export function contendersOf(participants: Participants, folder: string): Contender[] {
  return Object.entries(participants).flatMap(([name, peers]) =>
    peers.map((peer) => ({
      name: `${name}_${peer}`,
      module: new URL(`${peer.replaceAll('_', '-')}.ts`, folder),
      case: name,
    })),
  );
}

export function ratiosOf(ratios: Ratios, figures: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(ratios).map(([name, [peer, ours]]) => [name, (figures[peer] ?? NaN) / (figures[ours] ?? NaN)]),
  );
}
