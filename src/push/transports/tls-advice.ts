import type { TransportOptions } from './transport.ts';

/** Of Node.js. It has its own advice with it, a flag that is not ours, which is left out. */
const UNKNOWN_AUTHORITY =
  /unable to verify the first certificate|self-signed certificate|unable to get (local )?issuer certificate/;

/** What a receiver says in TLS of the certificate that it was shown, or was not shown. Handshakes fail for other reasons, too. */
const REFUSED = /\balert (.*certificate|unknown ca|access denied|handshake failure)/;

export interface Broken {
  /** Why there is no connection, or none any more. */
  readonly message: string;
  /** It ended without a word, when it had just been made. */
  readonly isSilent?: boolean;
}

/** @returns which key of the configuration that is about, to be put behind the message; empty where that cannot be known. */
export function tlsAdvice({ message, isSilent = false }: Broken, { endpoint, proxy, tls }: TransportOptions): string {
  if (!endpoint.startsWith('https:')) return '';
  if (UNKNOWN_AUTHORITY.test(message))
    return proxy?.startsWith('https:') === true
      ? " (the receiver's authority belongs into push[].tls.ca_file, the proxy's into NODE_EXTRA_CA_CERTS)"
      : ' (its authority is not in push[].tls.ca_file)';
  if (!isSilent && !REFUSED.test(message)) return '';
  return tls.cert === undefined
    ? ' (it may want a client certificate: push[].tls.cert_file)'
    : ' (it may not take the client certificate of push[].tls.cert_file)';
}
