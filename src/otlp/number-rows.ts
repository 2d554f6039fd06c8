import type { GaugeMetric, SumMetric } from '../metric/model.ts';
import type { ByteWriter } from '../std/byte-writer.ts';
import type { AttributeBytes } from './attribute-bytes.ts';
import { createExemplarWriter } from './exemplar-field.ts';
import { writeNumber } from './number-field.ts';
import { createPointWriter, rowsOf, type RowWriter } from './row-writer.ts';

/** NumberDataPoint. Source: opentelemetry/proto/metrics/v1/metrics.proto */
export function numberRows(
  out: ByteWriter,
  { points, integer = false }: SumMetric | GaugeMetric,
  attributes: AttributeBytes,
): RowWriter {
  const { values, exemplars } = points;
  const point = createPointWriter(out, points, attributes);
  const writeExemplar = createExemplarWriter(out, { field: 5, integer });
  const number = { asDouble: 4, integer };
  return {
    attributes,
    rows: rowsOf(points, values),
    write: (row) => {
      if (!point.begin(row)) return false;
      writeNumber(out, values[row]!, number);
      const exemplar = exemplars?.[row];
      if (exemplar !== undefined) writeExemplar(exemplar);
      point.end();
      return true;
    },
  };
}
