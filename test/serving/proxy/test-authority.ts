import { createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

export interface Issued {
  readonly cert: string;
  readonly key: string;
}

export interface IssueOptions {
  /** DNS names, or addresses of IPv4. */
  readonly names?: readonly string[];
  readonly from?: Date;
  readonly to?: Date;
}

export interface Authority {
  /** Of itself. */
  readonly cert: string;
  issue(options?: IssueOptions): Issued;
}

/** Issues certificates that only those trust who trust its own. X.509 in DER, written down by hand (RFC 5280). */
export function createAuthority(name: string): Authority {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const isAuthority = extension([2, 5, 29, 19], sequence(Buffer.from([0x01, 0x01, 0xff])));
  const own = certificate({ issuer: name, subject: name, publicKey, signer: privateKey, extensions: [isAuthority] });
  return {
    cert: own,
    issue: ({ names = [], ...validity } = {}) => {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const cert = certificate({
        ...validity,
        issuer: name,
        subject: names[0] ?? 'someone',
        publicKey: pair.publicKey,
        signer: privateKey,
        extensions: names.length === 0 ? [] : [extension([2, 5, 29, 17], sequence(...names.map(alternativeName)))],
      });
      return { cert, key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) };
    },
  };
}

interface CertificateOptions extends Pick<IssueOptions, 'from' | 'to'> {
  readonly issuer: string;
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly extensions: readonly Buffer[];
}

function certificate({ issuer, subject, publicKey, signer, extensions, ...validity }: CertificateOptions): string {
  const { from = new Date('2020-01-01'), to = new Date('2099-01-01') } = validity;
  const ecdsaWithSha256 = sequence(objectId([1, 2, 840, 10_045, 4, 3, 2]));
  const signed = sequence(
    tagged(0xa0, tagged(0x02, Buffer.from([2]))),
    tagged(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    commonName(issuer),
    sequence(time(from), time(to)),
    commonName(subject),
    createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })).export({ type: 'spki', format: 'der' }),
    ...(extensions.length === 0 ? [] : [tagged(0xa3, sequence(...extensions))]),
  );
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', signed, signer)]);
  const der = sequence(signed, ecdsaWithSha256, tagged(0x03, signature));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

function tagged(tag: number, ...content: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(content);
  const { length } = bytes;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), bytes]);
}

function sequence(...content: readonly Buffer[]): Buffer {
  return tagged(0x30, ...content);
}

function objectId([first = 0, second = 0, ...rest]: readonly number[]): Buffer {
  const bytes = rest.flatMap((arc) => {
    const septets = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) septets.unshift((left & 0x7f) | 0x80);
    return septets;
  });
  return tagged(0x06, Buffer.from([first * 40 + second, ...bytes]));
}

function commonName(text: string): Buffer {
  return sequence(tagged(0x31, sequence(objectId([2, 5, 4, 3]), tagged(0x0c, Buffer.from(text)))));
}

function time(date: Date): Buffer {
  return tagged(0x18, Buffer.from(`${date.toISOString().slice(0, 19).replace(/\D/g, '')}Z`));
}

function extension(id: readonly number[], value: Buffer): Buffer {
  return sequence(objectId(id), tagged(0x04, value));
}

function alternativeName(name: string): Buffer {
  const isAddress = /^[\d.]+$/.test(name);
  return isAddress ? tagged(0x87, Buffer.from(name.split('.').map(Number))) : tagged(0x82, Buffer.from(name));
}
