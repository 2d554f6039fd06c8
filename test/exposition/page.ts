import type { Dropped } from '../../src/exposition/families.ts';
import { createExposition, type ExpositionOptions, type PageOptions } from '../../src/exposition/index.ts';
import type { Snapshot } from '../../src/metric/model.ts';

export const expositionDefaults: ExpositionOptions = {
  strategy: 'underscore_escaping_with_suffixes',
  scopeInfo: true,
  targetInfo: true,
  isConstantLabel: () => false,
  created: true,
};

export const pageDefaults: PageOptions = { format: 'text', escaping: 'underscores' };

export interface TestPage {
  readonly bytes: Buffer;
  /** What the bytes are as UTF-8. */
  readonly text: string;
  readonly dropped: readonly Dropped[];
}

/** A page as a whole; text 0.0.4 with everything on it unless another is asked for. */
export function pageOf(snapshot: Snapshot, options: Partial<ExpositionOptions & PageOptions> = {}): TestPage {
  const exposition = createExposition({ ...expositionDefaults, ...options });
  const dropped: Dropped[] = [];
  const bytes = joinParts(exposition.page(snapshot, { ...pageDefaults, ...options }, (one) => void dropped.push(one)));
  return { bytes, text: bytes.toString(), dropped };
}

/** A part is valid only until the next one is asked for. */
export function joinParts(parts: Iterable<Buffer>): Buffer {
  const copies: Buffer[] = [];
  for (const part of parts) copies.push(Buffer.from(part));
  return Buffer.concat(copies);
}
