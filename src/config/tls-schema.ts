import { filled } from './kinds.ts';

/** Files of TLS where the gateway connects to someone; which of them go together is in destination-checks.ts. */
export function tlsFiles() {
  return {
    ca_file: filled().optional().describe('Certificates (PEM) to trust instead of those that Node.js trusts.'),
    cert_file: filled().optional().describe('Certificate chain (PEM) of the gateway; goes with key_file.'),
    key_file: filled().optional().describe('Private key (PEM) of cert_file.'),
  };
}
