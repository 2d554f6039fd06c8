import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import type { ExpositionOptions, PageOptions } from '../../src/exposition/index.ts';
import type { Snapshot } from '../../src/metric/model.ts';
import { expositionDefaults, pageDefaults } from './page.ts';
import { toSnapshot, type SnapshotRows } from './snapshot.ts';

export const goldenFolder = new URL('../golden/', import.meta.url);

export interface GoldenPage {
  /** In the folder. Of protobuf it holds the bytes in hexadecimal, below what another library reads of them. */
  readonly file: string;
  readonly options: ExpositionOptions & PageOptions;
  readonly snapshot: Snapshot;
}

/** By file; what is before the first point is the snapshot. */
const PAGES: Readonly<Record<string, Partial<ExpositionOptions & PageOptions>>> = {
  'empty.prom': {},
  'empty.v1.prom': { format: 'text_1_0_0' },
  'empty.om': { format: 'openmetrics' },
  'empty.pb': { format: 'protobuf' },

  'kinds.prom': {},
  'kinds.constants.prom': {
    ...{ scopeInfo: false, targetInfo: false, strategy: 'underscore_escaping_without_suffixes' },
    isConstantLabel: (key) => key.startsWith('service.'),
  },
  'kinds.v1.prom': {
    ...{ format: 'text_1_0_0', escaping: 'allow-utf-8' },
    strategy: 'no_utf8_escaping_with_suffixes',
  },
  'kinds.om': { format: 'openmetrics' },
  'kinds.uncreated.om': {
    ...{ format: 'openmetrics', escaping: 'dots', scopeInfo: false, created: false },
    strategy: 'no_utf8_escaping_with_suffixes',
  },
  'kinds.pb': { format: 'protobuf' },

  'hostile.prom': {},
  'hostile.v1.prom': { format: 'text_1_0_0', escaping: 'dots', strategy: 'no_translation' },
  'hostile.om': { format: 'openmetrics', escaping: 'allow-utf-8', strategy: 'no_translation' },
  'hostile.values.om': { format: 'openmetrics', escaping: 'values', strategy: 'no_utf8_escaping_with_suffixes' },
  'hostile.pb': { format: 'protobuf', escaping: 'allow-utf-8', strategy: 'no_utf8_escaping_with_suffixes' },

  'exponential.prom': {},
  'exponential.om': { format: 'openmetrics' },
  'exponential.pb': { format: 'protobuf' },
};

export const goldenPages: readonly GoldenPage[] = Object.entries(PAGES).map(([file, own]) => {
  const [name = ''] = file.split('.');
  const rows = JSON.parse(readFileSync(new URL(`${name}.json`, goldenFolder), 'utf8')) as SnapshotRows;
  return { file, options: { ...expositionDefaults, ...pageDefaults, ...own }, snapshot: toSnapshot(rows) };
});

/** @returns the page that a file holds, as a scraper gets it. */
export function readGoldenPage({ file, options: { format } }: GoldenPage): Uint8Array {
  const content = readFileSync(new URL(file, goldenFolder));
  if (format !== 'protobuf') return content;
  const writer = protobuf.Writer.create();
  for (const family of content.toString().match(/(?:^ {4}[0-9a-f]+\n)+/gm) ?? []) {
    writer.bytes(Buffer.from(family.replace(/\s/g, ''), 'hex'));
  }
  return writer.finish();
}
