import type { Snapshot } from '../../src/metric/model.ts';

/** Number of points (rows) in a snapshot. */
export function countPoints(snapshot: Snapshot): number {
  let count = 0;
  for (const { metrics } of snapshot.scopes) {
    for (const metric of metrics) {
      const blocks = 'attributes' in metric.points ? [metric.points] : metric.points;
      for (const block of blocks) count += block.attributes.length;
    }
  }
  return count;
}
