import type { Cases } from '../case.ts';
import { hundredSeries, increments, overSeries } from './workload.ts';

/** What the loop around every operation costs. It is in all figures. */
export const cases: Cases = {
  loop: () => {
    const totals = hundredSeries.map(() => ({ sum: 0 }));
    return overSeries(totals, increments, (total, value) => (total.sum += value));
  },
};
