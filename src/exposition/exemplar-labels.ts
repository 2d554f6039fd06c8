import type { Attributes, Exemplar } from '../metric/model.ts';
import { escapeQuoted } from './text-lines.ts';
import { createLabeller, withoutNul, type Labels } from './labels.ts';

/** Of all names and values of an exemplar's labels together, in OpenMetrics 1.0; Prometheus counts them as they are escaped. */
const CHARACTERS_MAX = 128;

/**
 * The span first; the attributes only where there is room for all of them and they can be read: an exemplar is worth no series.
 *
 * Source: OpenTelemetry, "Prometheus and OpenMetrics Compatibility", exemplars
 */
export function createExemplarLabels(nameOf: (key: string) => string): (exemplar: Exemplar) => Labels {
  const labelsOf = createLabeller({ nameOf });
  const othersOf = (attributes: Attributes): Labels => {
    try {
      return labelsOf(attributes).map(withoutNul);
    } catch {
      return [];
    }
  };
  return ({ traceId, spanId, attributes = {} }) => {
    const span = traceId === '' ? [] : ['trace_id', withoutNul(traceId), 'span_id', withoutNul(spanId)];
    const others = othersOf(attributes);
    const isFree = others.every((text, i) => i % 2 === 1 || (text !== 'trace_id' && text !== 'span_id'));
    const all = isFree ? [...span, ...others] : span;
    return isLong(escapeQuoted(all.join(''))) ? span : all;
  };
}

function isLong(text: string): boolean {
  return text.length > CHARACTERS_MAX && Array.from(text).length > CHARACTERS_MAX;
}
