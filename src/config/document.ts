import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type ErrorCode,
  type Node,
} from 'yaml';
import type { Path } from './paths.ts';

export interface YamlDocument {
  /** Plain JSON-like data; null when the file holds nothing. A mapping in it may contain itself (by an alias). */
  readonly value: unknown;
  /** Offset in the text of the key or list entry at `path`, or of the nearest thing around it that is there. */
  readonly positionOf: (path: Path) => number;
}

/** `fatal`: what was read is not what was meant, so further checks would only mislead. Otherwise a key is there twice. */
export interface YamlProblem {
  readonly text: string;
  readonly position: number;
  readonly fatal: boolean;
}

/** Where the parser's own words do not help; what they quote after a colon is cut off, since it may be a value. */
const WORDS: Partial<Record<ErrorCode, string>> = {
  MULTIPLE_DOCS: 'a second document begins, but only one is read',
  TAG_RESOLVE_FAILED: 'a tag that is not known here: quote what starts with !',
};

/** @param source what messages call the file; they start with `source:line:column: `. Messages quote no values: they may be secret. */
export function readYaml({ text, source }: { text: string; source: string }): {
  document: YamlDocument;
  problems: YamlProblem[];
} {
  const lines = new LineCounter();
  const parsed = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const problem = (position: number, message: string, fatal: boolean): YamlProblem => {
    const { line, col } = lines.linePos(position);
    return { text: `${source}:${line}:${col}: ${message}`, position, fatal };
  };
  // A warning is a tag that means nothing to us: the value would not be what its writer thinks.
  const problems = [...parsed.errors, ...parsed.warnings].map(({ code, message, pos: [position] }) => {
    if (code !== 'DUPLICATE_KEY') return problem(position, WORDS[code] ?? message.replace(/: .*$/s, ''), true);
    const key = /^["']?([\w.-]*)/.exec(text.slice(position))?.[1] ?? '';
    return problem(position, `${key} is a duplicate key`, false);
  });
  visit(parsed, {
    Alias: (_, alias) => {
      if (alias.resolve(parsed)) return;
      problems.push(problem(alias.range?.[0] ?? 0, 'an alias without its anchor: quote what starts with *', true));
    },
  });
  const document = { value: null as unknown, positionOf: (path: Path) => positionOf(parsed, path) };
  if (problems.some(({ fatal }) => fatal)) return { document, problems };
  try {
    document.value = parsed.toJS();
  } catch (error) {
    // Aliases of aliases of aliases: far more than a file for people needs.
    if (!(error instanceof ReferenceError)) throw error;
    problems.push(problem(0, error.message, true));
  }
  return { document, problems };
}

function positionOf(document: Document.Parsed, path: Path): number {
  let node: Node | null | undefined = document.contents;
  let position = 0;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    let found: Node | null | undefined;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === step);
      position = isScalar(pair?.key) ? (pair.key.range?.[0] ?? position) : position;
      found = pair?.value as Node | null | undefined;
    } else if (isSeq(node) && typeof step === 'number') {
      found = node.items[step] as Node | undefined;
      position = found?.range?.[0] ?? position;
    }
    if (!found) break;
    node = found;
  }
  return position;
}
