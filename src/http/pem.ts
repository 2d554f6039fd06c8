import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { errorText } from '../std/error-text.ts';

/** Paths of PEM files; `certFile` and `keyFile` are both there or neither is. */
export interface PemFiles {
  /** Certificates to trust instead of those that Node.js trusts. */
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

export interface Pems {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/**
 * @param where what the keys belong to, for the message of an error.
 * @throws if a file cannot be read, or is not what it should be: TLS would find out with the first connection, or never.
 */
export async function readPems(where: string, { caFile, certFile, keyFile }: PemFiles): Promise<Pems> {
  const read = (key: string, file: string | undefined, check: (pem: Buffer) => unknown): Promise<Buffer> | undefined =>
    file === undefined ? undefined : readPem(`${where}: tls.${key}`, file, check);
  const [ca, cert] = await Promise.all([
    read('ca_file', caFile, certificatesOf),
    read('cert_file', certFile, certificatesOf),
  ]);
  const key = await read('key_file', keyFile, (pem) => {
    const privateKey = createPrivateKey(pem);
    if (cert && !new X509Certificate(cert).checkPrivateKey(privateKey))
      throw new Error(`it is not the key of ${certFile}`);
  });
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

/** TLS takes the first of several, and in silence as many of the others as it can read. */
function certificatesOf(pem: Buffer): X509Certificate[] {
  const blocks = pem.toString('latin1').split(/(?=-----BEGIN CERTIFICATE-----)/);
  const certificates = blocks.filter((block) => block.startsWith('-----BEGIN CERTIFICATE-----'));
  return (certificates.length === 0 ? [pem] : certificates).map((certificate) => new X509Certificate(certificate));
}

/** @param check throws if it is not what it should be. */
async function readPem(where: string, file: string, check: (pem: Buffer) => unknown): Promise<Buffer> {
  try {
    const pem = await readFile(file);
    check(pem);
    return pem;
  } catch (error) {
    const reason = error instanceof Error ? error.message : errorText(error);
    throw new Error(`${where} ${file} cannot be used: ${reason}`, { cause: error });
  }
}
