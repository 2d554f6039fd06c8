/** A reader of text 0.0.4 that shares nothing with the encoder: line by line, character by character, and strict. */
export interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

export interface Page {
  /** Metric name -> type. */
  readonly types: ReadonlyMap<string, string>;
  readonly helps: ReadonlyMap<string, string>;
  readonly samples: readonly Sample[];
}

/** @throws on whatever is not the format, a second HELP or TYPE, a repeated label or a repeated series. */
export function readPage(text: string): Page {
  const types = new Map<string, string>();
  const helps = new Map<string, string>();
  const samples: Sample[] = [];
  const series = new Set<string>();
  if (text !== '' && !text.endsWith('\n')) throw new Error('no line feed at the end');
  for (const line of text.split('\n').slice(0, -1)) {
    const metadata = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) ([^]*)$/.exec(line);
    if (metadata) {
      const [, keyword = '', name = '', rest = ''] = metadata;
      const known = keyword === 'HELP' ? helps : types;
      if (known.has(name)) throw new Error(`second ${keyword} of ${name}`);
      known.set(name, keyword === 'HELP' ? unescape(rest) : rest);
      continue;
    }
    const sample = readSample(line);
    const key = JSON.stringify([sample.name, [...sample.labels].sort()]);
    if (series.has(key)) throw new Error(`series twice: ${key}`);
    series.add(key);
    samples.push(sample);
  }
  return { types, helps, samples };
}

function readSample(line: string): Sample {
  const [name] = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line) ?? [];
  if (name === undefined) throw new Error(`no sample: ${line}`);
  const labels = new Map<string, string>();
  let rest = line.slice(name.length);
  if (rest.startsWith('{')) {
    const label = /^[{,]([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\n"])*)"/;
    for (let match = label.exec(rest); match; match = label.exec(rest)) {
      const [whole, key = '', value = ''] = match;
      if (labels.has(key)) throw new Error(`label twice: ${line}`);
      labels.set(key, unescape(value));
      rest = rest.slice(whole.length);
    }
    if (!rest.startsWith('}')) throw new Error(`labels do not end: ${line}`);
    rest = rest.slice(1);
  }
  const [, number] = /^ (NaN|[+-]Inf|-?[0-9][0-9.e+-]*)$/.exec(rest) ?? [];
  if (number === undefined) throw new Error(`no value: ${line}`);
  return { name, labels, value: Number(number.replace('Inf', 'Infinity')) };
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}
