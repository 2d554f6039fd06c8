import { createGrpcTransport } from './grpc.ts';
import { createHttpTransport } from './http.ts';
import type { Transport, TransportOptions } from './transport.ts';

/** @throws if a header cannot be sent, or a certificate is none. */
export function createTransport(protocol: 'grpc' | 'http/protobuf', options: TransportOptions): Transport {
  return protocol === 'grpc' ? createGrpcTransport(options) : createHttpTransport(options);
}
