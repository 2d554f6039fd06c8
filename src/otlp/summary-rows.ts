import { isCount } from '../metric/counts.ts';
import type { SummaryPoints } from '../metric/model.ts';
import type { ByteWriter } from '../std/byte-writer.ts';
import { beginMessage, doubleField, endMessage } from '../std/protobuf-fields.ts';
import type { AttributeBytes } from './attribute-bytes.ts';
import { writeCount } from './number-field.ts';
import { createPointWriter, rowsOf, type RowWriter } from './row-writer.ts';
import { areQuantiles } from './summary-points.ts';

const COUNT = 4;
const SUM = 5;
const QUANTILE_VALUES = 6;

/** SummaryDataPoint; none where the quantiles are not valid. Source: opentelemetry/proto/metrics/v1/metrics.proto */
export function summaryRows(out: ByteWriter, points: SummaryPoints, attributes: AttributeBytes): RowWriter {
  const { counts, sums, quantiles, quantileValues } = points;
  const width = quantiles.length;
  const point = createPointWriter(out, points, attributes);
  const whole = width === 0 ? Infinity : Math.floor(quantileValues.length / width);
  return {
    attributes,
    rows: areQuantiles(quantiles) ? Math.min(rowsOf(points, counts, sums), whole) : 0,
    write: (row) => {
      if (!isCount(counts[row]!) || !point.begin(row)) return false;
      writeCount(out, COUNT, counts[row]!);
      // A summary cannot be without a sum: left out it would be 0.
      doubleField(out, SUM, sums[row]!);
      for (let i = 0; i < width; i++) {
        const begin = beginMessage(out, QUANTILE_VALUES);
        doubleField(out, 1, quantiles[i]!);
        doubleField(out, 2, quantileValues[row * width + i]!);
        endMessage(out, begin);
      }
      point.end();
      return true;
    },
  };
}
