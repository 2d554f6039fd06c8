import { createGrpcTransport } from './grpc.ts';
import { createHttpTransport } from './http.ts';
import { createRenewedTransport, type Renewal } from './renewed-transport.ts';
import type { Tls, Transport, TransportOptions } from './transport.ts';

/**
 * @param renewal of what `tls` holds, if the endpoint is https; undefined = it stays as it is.
 * @throws if a header cannot be sent, or a certificate is none.
 */
export function createTransport(
  protocol: 'grpc' | 'http/protobuf',
  options: TransportOptions,
  renewal?: Renewal,
): Transport {
  const create = protocol === 'grpc' ? createGrpcTransport : createHttpTransport;
  const open = (tls: Tls): Transport => create({ ...options, tls });
  const isTls = options.endpoint.startsWith('https:');
  return renewal && isTls ? createRenewedTransport(options.tls, open, renewal) : open(options.tls);
}
