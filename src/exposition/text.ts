import type { ByteWriter } from '../std/byte-writer.ts';
import { createLayout } from './explicit-buckets.ts';
import type { Family } from './families.ts';
import { PART_BYTES, type PageWriter, type Rows, type WriteRow } from './page-writer.ts';
import type { RenderLabels } from './series-labels.ts';
import { escapeHelp, escapeQuoted, quoted, sampleStart, createLabelWriter } from './text-lines.ts';
import { histogramRows, numberRows, summaryRows, type TextOptions } from './text-rows.ts';

/**
 * Prometheus' text formats 0.0.4 and 1.0.0, which know no timestamps here, exemplars, units or `_created`, and OpenMetrics 1.0.0.
 *
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/, https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
export class TextWriter implements PageWriter {
  readonly #out: ByteWriter;
  readonly #options: TextOptions;
  #layoutOf = createLayout([]);

  constructor(out: ByteWriter, options: TextOptions) {
    this.#out = out;
    this.#options = options;
  }

  /** Of numbers all of the line before the value, of the others what stands between the braces before `le` or `quantile`. */
  renderLabels({ type, sample }: Family): RenderLabels {
    const writeLabels = createLabelWriter();
    if (type === 'histogram' || type === 'summary') return writeLabels;
    const { bare, open } = sampleStart(sample);
    return (writer, labels) => {
      if (labels.length === 0) {
        writer.utf8(`${bare} `);
        return;
      }
      writer.utf8(open);
      writeLabels(writer, labels);
      writer.utf8('} ');
    };
  }

  begin({ name, type, help, unit, blocks }: Family): void {
    this.#layoutOf = createLayout(blocks);
    const { openMetrics } = this.#options;
    const said = quoted(name);
    let text = '';
    if (help !== '') text += `# HELP ${said} ${openMetrics ? escapeQuoted(help) : escapeHelp(help)}\n`;
    text += `# TYPE ${said} ${type}\n`;
    if (openMetrics && unit !== '' && name.endsWith(`_${unit}`)) text += `# UNIT ${said} ${unit}\n`;
    this.#out.utf8(text);
  }

  rows(rows: Rows): WriteRow {
    const { block } = rows;
    switch (block.kind) {
      case 'number':
        return numberRows(this.#out, { ...rows, block }, this.#options);
      case 'summary':
        return summaryRows(this.#out, { ...rows, block }, this.#options);
      case 'histogram':
      case 'exponential_histogram':
        return histogramRows(this.#out, { ...rows, block }, { ...this.#options, layoutOf: this.#layoutOf });
    }
  }

  isFull(): boolean {
    return this.#out.length >= PART_BYTES;
  }

  *flush(): Generator<Buffer> {
    yield this.#out.take();
  }

  *end(): Generator<Buffer> {
    if (this.isFull()) yield this.#out.take();
  }

  *finish(): Generator<Buffer> {
    if (this.#options.openMetrics) this.#out.utf8('# EOF\n');
    if (this.#out.length > 0) yield this.#out.take();
  }
}
