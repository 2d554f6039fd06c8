import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tlsAdvice } from '../../../src/push/transports/tls-advice.ts';
import type { TransportOptions } from '../../../src/push/transports/transport.ts';

const some: TransportOptions = {
  endpoint: 'https://receiver.test:4317',
  timeoutMs: 1,
  headers: {},
  compression: 'none',
  tls: {},
  userAgent: 'x',
};
const shown = { ...some, tls: { cert: Buffer.of(1) } };
const plain = { ...some, endpoint: 'http://receiver.test' };
const unknown = ' (its authority is not in push[].tls.ca_file)';
const wanted = ' (it may want a client certificate: push[].tls.cert_file)';
const refused = ' (it may not take the client certificate of push[].tls.cert_file)';

describe('what TLS says', () => {
  const cases: Record<string, readonly [message: string, options: TransportOptions, advice: string]> = {
    'of an authority that nobody knows is about ca_file': ['unable to verify the first certificate', some, unknown],
    'of one that signs itself is, too': [
      'Last error: Error: self-signed certificate in certificate chain',
      shown,
      unknown,
    ],
    'of an issuer is, too': ['unable to get local issuer certificate', some, unknown],
    'behind a proxy with TLS may be about either': [
      'self-signed certificate',
      { ...some, proxy: 'https://proxy.test' },
      " (the receiver's authority belongs into push[].tls.ca_file, the proxy's into NODE_EXTRA_CA_CERTS)",
    ],
    'of a certificate that is wanted is about cert_file': ['TLS: tlsv13 alert certificate required', some, wanted],
    'of a handshake may be': ['TLS: ssl/tls alert handshake failure', some, wanted],
    'of one that was shown is': ['TLS: tlsv1 alert unknown ca', shown, refused],
    'of one that has expired is': ['TLS: ssl/tls alert certificate expired', shown, refused],
    'of a name is about nothing of ours': ["IP: 127.0.0.1 is not in the cert's list", some, ''],
    'of another protocol is not either': ['TLS: tlsv1 alert no application protocol', some, ''],
    'is not said without TLS': ['self-signed certificate', plain, ''],
  };
  for (const [name, [message, options, advice]] of Object.entries(cases)) {
    it(name, () => assert.equal(tlsAdvice({ message }, options), advice));
  }

  it('may be nothing at all, which may be about cert_file', () => {
    const closed = { message: 'other side closed', isSilent: true };
    assert.deepEqual(
      [some, shown, plain].map((options) => tlsAdvice(closed, options)),
      [wanted, refused, ''],
    );
  });
});
