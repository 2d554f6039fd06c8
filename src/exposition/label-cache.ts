import type { Family } from './families.ts';
import { SeriesLabels, type RenderLabels } from './series-labels.ts';

/** The label bytes of all families, as one format has them under one escaping scheme. */
export class LabelCache {
  readonly #labels = new Map<string, SeriesLabels>();

  of(family: Family, render: RenderLabels): SeriesLabels {
    const key = keyOf(family);
    const known = this.#labels.get(key);
    if (known?.holds(family.blocks)) return known;
    const labels = new SeriesLabels(family.blocks, render, known?.settled);
    this.#labels.set(key, labels);
    return labels;
  }

  /** Forgets all families but these. */
  keep(families: readonly Family[]): void {
    const kept = new Set(families.map(keyOf));
    for (const key of this.#labels.keys()) if (!kept.has(key)) this.#labels.delete(key);
  }
}

/** Families of one key have their labels rendered alike. */
function keyOf({ type, sample }: Family): string {
  return `${type === 'histogram' || type === 'summary' ? type : 'number'} ${sample}`;
}
