import type { CaseOptions } from '../case.ts';
import type { Labels } from '../record/workload.ts';
import { counterSeries, histogramSeries, startCounters, startHistograms } from '../scrape/workload.ts';
import type { Expected, Sender } from './export-case.ts';

export type Load = Pick<Sender, 'touch'> & Expected;

/** How a contender records. */
interface Recording<Subject> {
  /** What it keeps of one series. */
  readonly bind: (labels: Labels) => Subject;
  readonly record: (subject: Subject, value: number) => void;
}

/** 100,000 counters. */
export function counterLoad<Subject>(options: CaseOptions, { bind, record }: Recording<Subject>): Load {
  let total = 0;
  const recorders = counterSeries(options).map((labels) => {
    const subject = bind(labels);
    return (value: number): void => {
      total += value;
      record(subject, value);
    };
  });
  return { touch: startCounters(recorders), points: recorders.length, total: () => total };
}

/** 10,000 histograms. */
export function histogramLoad<Subject>(options: CaseOptions, { bind, record }: Recording<Subject>): Load {
  let total = 0;
  const recorders = histogramSeries(options).map((labels) => {
    const subject = bind(labels);
    return (value: number): void => {
      total++;
      record(subject, value);
    };
  });
  return { touch: startHistograms(recorders), points: recorders.length, total: () => total };
}
