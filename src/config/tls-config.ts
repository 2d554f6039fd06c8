/** Paths of PEM files; `certFile` and `keyFile` are both there or neither is. */
export interface TlsConfig {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}
