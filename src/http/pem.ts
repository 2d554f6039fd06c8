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

const KEYS = ['ca', 'cert', 'key'] as const;

/**
 * @param where what the keys belong to, for the message of an error.
 * @param before what was in the files; returned itself, and not checked again, where that is still so.
 * @throws if a file cannot be read, or is not what it should be: TLS would find out with the first connection, or never.
 */
export async function readPems(where: string, files: PemFiles, before: Pems = {}): Promise<Pems> {
  const named = async <T>(
    key: (typeof KEYS)[number],
    work: (file: string) => T | Promise<T>,
  ): Promise<T | undefined> => {
    const file = files[`${key}File`];
    try {
      return file === undefined ? undefined : await work(file);
    } catch (error) {
      const reason = error instanceof Error ? error.message : errorText(error);
      throw new Error(`${where}: tls.${key}_file ${file} cannot be used: ${reason}`, { cause: error });
    }
  };
  const read = await Promise.all(KEYS.map(async (key) => [key, await named(key, (file) => readFile(file))] as const));
  const pems: Pems = Object.fromEntries(read.filter(([, pem]) => pem !== undefined));
  const { ca, cert, key: keyPem } = pems;
  if (KEYS.every((key) => pems[key] === before[key] || (pems[key] && before[key]?.equals(pems[key])))) return before;
  await named('ca', () => ca && certificatesOf(ca));
  await named('cert', () => cert && certificatesOf(cert));
  await named('key', () => {
    const privateKey = keyPem && createPrivateKey(keyPem);
    if (cert && privateKey && !new X509Certificate(cert).checkPrivateKey(privateKey))
      throw new Error(`it is not the key of ${files.certFile}`);
  });
  return pems;
}

/** TLS takes the first of several, and in silence as many of the others as it can read. */
function certificatesOf(pem: Buffer): X509Certificate[] {
  const blocks = pem.toString('latin1').split(/(?=-----BEGIN CERTIFICATE-----)/);
  const certificates = blocks.filter((block) => block.startsWith('-----BEGIN CERTIFICATE-----'));
  return (certificates.length === 0 ? [pem] : certificates).map((certificate) => new X509Certificate(certificate));
}
