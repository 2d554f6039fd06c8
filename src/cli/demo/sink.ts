import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import type { Snapshot } from '../../metric/model.ts';
import { decodeExportMetricsRequest } from '../../otlp/decode.ts';
import { encodeExportMetricsResponse } from '../../otlp/response.ts';

/** An OTLP/gRPC metrics receiver that keeps the last export: with cumulative temporality that is all that was ever counted. */
export interface Sink {
  /** For a destination's `endpoint`. */
  readonly url: string;
  readonly exports: number;
  readonly latest: readonly Snapshot[];
  close(): void;
}

const identity = (bytes: Buffer): Buffer => bytes;

/** Source: opentelemetry/proto/collector/metrics/v1/metrics_service.proto */
const metricsService = {
  export: {
    path: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
    requestStream: false,
    responseStream: false,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  },
};

/** Listens on a free port of the loopback interface. */
export async function startSink(): Promise<Sink> {
  let exports = 0;
  let latest: readonly Snapshot[] = [];
  const server = new Server({ 'grpc.max_receive_message_length': 64 * 1024 * 1024 });
  server.addService(metricsService, {
    export: ({ request }: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
      latest = decodeExportMetricsRequest(request).snapshots;
      exports++;
      answer(null, Buffer.from(encodeExportMetricsResponse()));
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  return {
    url: `http://127.0.0.1:${port}`,
    get exports() {
      return exports;
    },
    get latest() {
      return latest;
    },
    close: () => server.forceShutdown(),
  };
}
