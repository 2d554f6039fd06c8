import { ProtobufReader } from '../../src/otlp/protobuf-reader.ts';

/** What has arrived in some requests. */
export interface Received {
  readonly requests: number;
  readonly bytes: number;
  readonly points: number;
  /** Of all points. */
  readonly attributes: number;
  /** Of all points: the value of a sum, the count of a histogram. */
  readonly total: number;
}

/**
 * Adds up what requests hold; much quicker than to decode them.
 *
 * @param requests each an `ExportMetricsServiceRequest`.
 *
 * Source: opentelemetry/proto/metrics/v1/metrics.proto
 */
export function receivedIn(requests: readonly Uint8Array[]): Received {
  const found = { requests: requests.length, bytes: 0, points: 0, attributes: 0, total: 0 };
  for (const request of requests) {
    found.bytes += request.length;
    const reader = new ProtobufReader(request);
    const inSum = (field: number): void => {
      if (field === 4) found.total += reader.double();
      else if (field === 6) found.total += reader.sfixed64();
      else if (field === 7) found.attributes++;
    };
    const inHistogram = (field: number): void => {
      if (field === 4) found.total += reader.fixed64();
      else if (field === 9) found.attributes++;
    };
    const pointsOf = (inPoint: (field: number) => void) => (field: number) => {
      if (field !== 1) return;
      found.points++;
      reader.message(inPoint);
    };
    const [inSums, inHistograms] = [pointsOf(inSum), pointsOf(inHistogram)];
    const inMetric = (field: number): void => {
      if (field === 7) reader.message(inSums);
      else if (field === 9) reader.message(inHistograms);
    };
    const inScope = (field: number): void => {
      if (field === 2) reader.message(inMetric);
    };
    const inResource = (field: number): void => {
      if (field === 2) reader.message(inScope);
    };
    reader.fields((field) => {
      if (field === 1) reader.message(inResource);
    });
  }
  return found;
}
