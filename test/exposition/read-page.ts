/** A reader of Prometheus' text formats that shares nothing with the encoder: line by line, token by token, and strict. */
export interface Exemplar {
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
  /** Unix seconds. */
  readonly timestamp?: number;
}

export interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
  readonly exemplar?: Exemplar;
}

export interface Page {
  /** Family name -> type. */
  readonly types: ReadonlyMap<string, string>;
  readonly helps: ReadonlyMap<string, string>;
  readonly units: ReadonlyMap<string, string>;
  readonly samples: readonly Sample[];
}

export type TextFormat = 'text' | 'text_1_0_0' | 'openmetrics';

const METRIC_NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const LABEL_NAME = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const QUOTED = /"((?:[^"\\\n]|\\[\\n"])*)"/y;
const NUMBER = /NaN|[+-]Inf|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:e[+-][0-9]+)?/y;
const METADATA = { text: /^# (HELP|TYPE) /, text_1_0_0: /^# (HELP|TYPE) /, openmetrics: /^# (HELP|TYPE|UNIT) / };
/** What the samples of a type have behind the name of their family. */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};
const OPENMETRICS_SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total', '_created'],
  histogram: ['_bucket', '_sum', '_count', '_created'],
  summary: ['', '_sum', '_count', '_created'],
  info: ['_info'],
};

/**
 * @throws on whatever is not the format, a second HELP, TYPE or UNIT, a repeated label or series, and a sample that does not belong to
 * the family before it.
 */
export function readPage(text: string, format: TextFormat = 'text'): Page {
  const known = { HELP: new Map<string, string>(), TYPE: new Map<string, string>(), UNIT: new Map<string, string>() };
  const samples: Sample[] = [];
  const series = new Set<string>();
  let family = '';
  for (const line of linesOf(text, format)) {
    const keyword = METADATA[format].exec(line)?.[1] as keyof typeof known | undefined;
    if (keyword !== undefined) {
      const { name, rest } = readMetadata(line, `# ${keyword} `.length, format);
      if (known[keyword].has(name)) throw new Error(`second ${keyword} of ${name}`);
      if (name !== family && known.TYPE.has(name)) throw new Error(`metadata of ${name} in two places`);
      family = name;
      known[keyword].set(name, keyword === 'HELP' ? unescapeHelp(rest, format) : rest);
      continue;
    }
    const sample = readSample(line, format);
    const type = known.TYPE.get(family) ?? '';
    const suffixes = (format === 'openmetrics' ? OPENMETRICS_SUFFIXES : SUFFIXES)[type] ?? [''];
    if (type !== '' && !suffixes.some((suffix) => sample.name === family + suffix)) {
      throw new Error(`${sample.name} is no sample of the ${type} ${family}`);
    }
    const key = JSON.stringify([sample.name, [...sample.labels].sort()]);
    if (series.has(key)) throw new Error(`series twice: ${key}`);
    series.add(key);
    samples.push(sample);
  }
  return { types: known.TYPE, helps: known.HELP, units: known.UNIT, samples };
}

function linesOf(text: string, format: TextFormat): string[] {
  if (text !== '' && !text.endsWith('\n')) throw new Error('no line feed at the end');
  const lines = text.split('\n').slice(0, -1);
  if (format === 'openmetrics' && lines.pop() !== '# EOF') throw new Error('no EOF at the end');
  return lines;
}

interface Cursor {
  readonly line: string;
  readonly format: TextFormat;
  at: number;
}

function readMetadata(line: string, at: number, format: TextFormat): { name: string; rest: string } {
  const cursor = { line, format, at };
  const name = readName(cursor, METRIC_NAME);
  expect(cursor, ' ');
  return { name, rest: line.slice(cursor.at) };
}

function readSample(line: string, format: TextFormat): Sample {
  const cursor = { line, format, at: 0 };
  let name = line.startsWith('{') ? undefined : take(cursor, METRIC_NAME)[0];
  const labels = new Map<string, string>();
  if (line[cursor.at] === '{') name = readLabels(cursor, labels, name);
  if (name === undefined) throw new Error(`no name: ${line}`);
  expect(cursor, ' ');
  const value = readNumber(cursor);
  if (cursor.at === line.length) return { name, labels, value };
  if (format !== 'openmetrics') throw new Error(`something behind the value: ${line}`);
  expect(cursor, ' # ');
  const exemplar = { labels: new Map<string, string>() };
  readLabels(cursor, exemplar.labels, '');
  expect(cursor, ' ');
  const amount = readNumber(cursor);
  if (cursor.at === line.length) return { name, labels, value, exemplar: { ...exemplar, value: amount } };
  expect(cursor, ' ');
  const timestamp = readNumber(cursor);
  if (cursor.at < line.length) throw new Error(`something behind the exemplar: ${line}`);
  return { name, labels, value, exemplar: { ...exemplar, value: amount, timestamp } };
}

/** @returns the name of the sample, which may be the first in the braces. */
function readLabels(cursor: Cursor, labels: Map<string, string>, known: string | undefined): string | undefined {
  let name = known;
  expect(cursor, '{');
  if (skip(cursor, '}')) return name;
  do {
    const key = readName(cursor, LABEL_NAME);
    if (name === undefined && cursor.line[cursor.at] !== '=') {
      name = key;
      continue;
    }
    expect(cursor, '=');
    if (labels.has(key)) throw new Error(`label twice: ${cursor.line}`);
    labels.set(key, unescape(take(cursor, QUOTED)[1] ?? ''));
  } while (skip(cursor, ','));
  expect(cursor, '}');
  return name;
}

function readName(cursor: Cursor, classic: RegExp): string {
  if (cursor.line[cursor.at] !== '"') return take(cursor, classic)[0];
  if (cursor.format === 'text') throw new Error(`a quoted name: ${cursor.line}`);
  const name = unescape(take(cursor, QUOTED)[1] ?? '');
  if (name === '') throw new Error(`an empty name: ${cursor.line}`);
  return name;
}

function readNumber(cursor: Cursor): number {
  return Number(take(cursor, NUMBER)[0].replace('Inf', 'Infinity'));
}

function take(cursor: Cursor, token: RegExp): RegExpExecArray {
  token.lastIndex = cursor.at;
  const found = token.exec(cursor.line);
  if (found === null) throw new Error(`${String(token)} does not come after ${cursor.at} characters: ${cursor.line}`);
  cursor.at = token.lastIndex;
  return found;
}

function expect(cursor: Cursor, text: string): void {
  if (!skip(cursor, text)) throw new Error(`'${text}' does not come after ${cursor.at} characters: ${cursor.line}`);
}

function skip(cursor: Cursor, text: string): boolean {
  if (!cursor.line.startsWith(text, cursor.at)) return false;
  cursor.at += text.length;
  return true;
}

/** Quotes are escaped in the help of OpenMetrics only. */
function unescapeHelp(help: string, format: TextFormat): string {
  const valid = format === 'openmetrics' ? /^(?:[^"\\]|\\[\\n"])*$/ : /^(?:[^\\]|\\[\\n])*$/;
  if (!valid.test(help)) throw new Error(`a help that is not escaped: ${help}`);
  return unescape(help);
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}
