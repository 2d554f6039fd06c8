import type { Metric, ScopeMetrics, Snapshot } from '../metric/model.ts';
import { type AttributesDraft, readAttribute } from './attributes.ts';
import { readMetric } from './metric.ts';
import { ProtobufReader } from './protobuf-reader.ts';

export interface DecodedRequest {
  /** One per ResourceMetrics, in the order sent. */
  readonly snapshots: readonly Snapshot[];
  /**
   * Names of the metrics that the model has no place for: sums and histograms without temporality, metrics without data or
   * with data of a kind that is not known here.
   */
  readonly unsupported: readonly string[];
}

/**
 * Decodes an ExportMetricsServiceRequest.
 *
 * Integers beyond 2^53 are rounded to the nearest double. Left out: points that are flagged NO_RECORDED_VALUE or carry no
 * value (histograms and summaries: neither count nor time), metrics that have no other points, all but the latest exemplar of a
 * number or of a histogram's bucket, attributes of scopes, schema URLs of resources. A sum or gauge is `integer` if all of its
 * points came as integers. `attributes.ts` says how attribute values outside the model are represented.
 *
 * What is kept grows with the number of bytes only, never with a number that the message names.
 *
 * @throws ProtobufError if the bytes are not such a message, or if the buckets, quantiles or ids of a point are not valid.
 *
 * Source: opentelemetry/proto/collector/metrics/v1/metrics_service.proto, opentelemetry/proto/metrics/v1/metrics.proto
 */
export function decodeExportMetricsRequest(bytes: Uint8Array): DecodedRequest {
  const reader = new ProtobufReader(bytes);
  const snapshots: Snapshot[] = [];
  const unsupported: string[] = [];
  reader.fields((field) => {
    if (field === 1) snapshots.push(readResourceMetrics(reader, unsupported));
  });
  return { snapshots, unsupported };
}

function readResourceMetrics(reader: ProtobufReader, unsupported: string[]): Snapshot {
  const resource: AttributesDraft = {};
  const scopes: ScopeMetrics[] = [];
  const onResource = (field: number): void => {
    if (field === 1) readAttribute(reader, resource);
  };
  reader.message((field) => {
    if (field === 1) reader.message(onResource);
    else if (field === 2) scopes.push(readScopeMetrics(reader, unsupported));
  });
  return { resource, scopes };
}

function readScopeMetrics(reader: ProtobufReader, unsupported: string[]): ScopeMetrics {
  const scope = { name: '', version: '', schemaUrl: '' };
  const metrics: Metric[] = [];
  const onScope = (field: number): void => {
    if (field === 1) scope.name = reader.string();
    else if (field === 2) scope.version = reader.string();
  };
  reader.message((field) => {
    if (field === 1) reader.message(onScope);
    else if (field === 2) {
      const outcome = readMetric(reader);
      if (outcome.status === 'modelled') metrics.push(outcome.metric);
      else if (outcome.status === 'unsupported') unsupported.push(outcome.name);
    } else if (field === 3) scope.schemaUrl = reader.string();
  });
  return { scope, metrics };
}
