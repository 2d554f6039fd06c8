/** Why a header of a push may not have a name, by patterns for names in lower case; the first that matches tells it best. */
const FAULTS: readonly (readonly [RegExp, string])[] = [
  [/^__proto__$/, 'an object of JavaScript does not keep this one'],
  // RFC 9113, section 8.3.
  [/^:/, 'pseudo headers are for HTTP/2 to set'],
  // RFC 9110, section 7.6.1; RFC 9112, sections 6.1 and 7.1.2; RFC 9113, section 8.2.2.
  [
    /^(connection|keep-alive|proxy-connection|proxy-authorization|transfer-encoding|trailer|upgrade|http2-settings)$/,
    'this header is about the connection',
  ],
  // https://opentelemetry.io/docs/specs/otlp/ and https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
  [
    /^(te|content-type|content-length|content-encoding|accept-encoding|expect|host|user-agent|grpc-.*)$/,
    'this header is for the protocol to set',
  ],
  [/-bin$/, 'what ends in -bin is binary to gRPC'],
  [/^$|[^a-z\d_.-]/, 'it may have letters, digits, dots, dashes and underscores only'],
];

/** @returns why no push can send a header of this name, in any case; undefined if it can. */
export function headerNameFault(name: string): string | undefined {
  return FAULTS.find(([pattern]) => pattern.test(name.toLowerCase()))?.[1];
}

const CREDENTIALS = 'must be another header: this one holds credentials';

/** The same of a header of a request whose value becomes an attribute. */
const REQUEST_FAULTS: readonly (readonly [RegExp, string])[] = [
  // RFC 9110, section 5.6.2.
  [/^$|[^a-z\d!#$%&'*+.^_`|~-]/, 'must be the name of a header'],
  [/authorization|cookie|credential|password|passwd|secret|session|jwt|^dpop$|signature/, CREDENTIALS],
  [
    /(^|[-_])([a-z]*token|apikey|(api|auth|access|functions?|subscription|account|master|private)[-_]?key)$/,
    CREDENTIALS,
  ],
  // RFC 9110, sections 7.6.1, 8.6, 10.1.1 and 11.7; RFC 9112, section 6.1.
  [
    /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|http2-settings|content-length|expect)$/,
    'must be another header: this one is about the connection, not about the request',
  ],
];

/** @returns why no attribute may be made of a header of this name, in any case; undefined if one may. */
export function requestHeaderFault(name: string): string | undefined {
  return REQUEST_FAULTS.find(([pattern]) => pattern.test(name.toLowerCase()))?.[1];
}
