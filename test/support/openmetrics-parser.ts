import { fileURLToPath } from 'node:url';
import { interopProgram } from './interop.ts';
import { startFrames, type Verdict } from './judge.ts';
import { sampleValue } from './prometheus.ts';

export interface ParsedExemplar {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly timestampMs?: number;
}

export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly timestampMs?: number;
  readonly exemplar?: ParsedExemplar;
}

export interface ParsedPage {
  readonly samples: readonly ParsedSample[];
  /** By the name of the family. Of the text format, a counter is named without its `_total`. */
  readonly families: Readonly<Record<string, { type: string; help: string; unit: string }>>;
}

/** Python's prometheus_client. Requests need not wait for one another. */
export interface OpenMetricsParser {
  /**
   * The strictest parser of OpenMetrics that there is, and one that knows UTF-8 names. It is wrong to refuse a `"` in the label of an
   * exemplar, and a UTF-8 name without metadata.
   */
  openMetrics(page: Uint8Array | string): Promise<Verdict<ParsedPage>>;
  /** That of the text format; it lets much pass. */
  text(page: Uint8Array | string): Promise<Verdict<ParsedPage>>;
  close(): Promise<void>;
}

export function startOpenMetricsParser(): OpenMetricsParser {
  const script = fileURLToPath(new URL('../interop/openmetrics_parser.py', import.meta.url));
  const frames = startFrames(interopProgram('openmetrics'), [script]);
  const parse = async (kind: string, page: Uint8Array | string): Promise<Verdict<ParsedPage>> => {
    const answer = await frames.ask<Verdict<ParsedPage>>({ kind }, page);
    return answer.ok ? { ...answer, samples: answer.samples.map(withNumbers) } : answer;
  };
  return {
    openMetrics: (page) => parse('openmetrics', page),
    text: (page) => parse('text', page),
    close: () => frames.close(),
  };
}

/** JSON has no NaN and no infinities: they come as text. */
function withNumbers(sample: ParsedSample): ParsedSample {
  const { value, exemplar } = sample;
  return {
    ...sample,
    value: sampleValue(String(value)),
    ...(exemplar && { exemplar: { ...exemplar, value: sampleValue(String(exemplar.value)) } }),
  };
}
