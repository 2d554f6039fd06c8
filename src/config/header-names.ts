/** Why a header of a push may not have a name, by patterns for names in lower case; the first that matches tells it best. */
const FAULTS: readonly (readonly [RegExp, string])[] = [
  // RFC 9113, sections 8.2.2 and 8.3.
  [/^:/, 'pseudo headers are for HTTP/2 to set'],
  [/^(connection|keep-alive|proxy-connection|transfer-encoding|upgrade|http2-settings)$/, 'HTTP/2 forbids this header'],
  // https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
  [/^(te|content-type|content-length|host|user-agent|grpc-.*)$/, 'this header is for gRPC to set'],
  [/-bin$/, 'what ends in -bin is binary to gRPC'],
  [/^$|[^a-z\d_.-]/, 'gRPC takes letters, digits, dots, dashes and underscores only'],
];

/** @returns why no push can send a header of this name, in any case; undefined if it can. */
export function headerNameFault(name: string): string | undefined {
  return FAULTS.find(([pattern]) => pattern.test(name.toLowerCase()))?.[1];
}
