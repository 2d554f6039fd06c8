import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { readPems } from '../../src/http/pem.ts';
import { createAuthority } from '../serving/proxy/test-authority.ts';

const folder = mkdtempSync(join(tmpdir(), 'metergate-pems-'));
after(() => rmSync(folder, { recursive: true }));
const authority = createAuthority('authority of the test');
const [one, other] = [authority.issue(), authority.issue()];

function write({ ca = authority.cert, cert = one.cert, key = one.key } = {}) {
  const texts = { ca, cert, key };
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text);
  return { caFile: join(folder, 'ca'), certFile: join(folder, 'cert'), keyFile: join(folder, 'key') };
}

describe('PEM files', () => {
  it('are read as they are, and are the same for as long as nothing has changed', async () => {
    const files = write({ ca: authority.cert.repeat(2) });
    const before = await readPems('push a', files);
    assert.deepEqual(before, {
      ca: Buffer.from(authority.cert.repeat(2)),
      cert: Buffer.from(one.cert),
      key: Buffer.from(one.key),
    });
    write({ ca: authority.cert.repeat(2) });
    assert.equal(await readPems('push a', files, before), before);
    write(other);
    assert.equal(String((await readPems('push a', files, before)).cert), other.cert);
  });

  it('may be none', async () => {
    const before = {};
    assert.equal(await readPems('push a', {}, before), before);
    assert.deepEqual(await readPems('push a', { certFile: undefined }), {});
  });

  const broken: Record<string, readonly [texts: Parameters<typeof write>[0], says: RegExp]> = {
    'an authority of which half is written': [
      { ca: authority.cert + authority.cert.slice(0, 200) },
      /^push a: tls\.ca_file \S+ cannot be used: /,
    ],
    'a certificate that is empty': [{ cert: '' }, /^push a: tls\.cert_file \S+ cannot be used: /],
    'a key that is none': [{ key: 'x' }, /^push a: tls\.key_file \S+ cannot be used: /],
    'a key of the certificate before': [
      { cert: other.cert },
      /^push a: tls\.key_file \S+ cannot be used: it is not the key of \S+\/cert$/,
    ],
  };
  for (const [name, [texts, says]] of Object.entries(broken)) {
    it(`are refused with ${name}`, async () => {
      const before = await readPems('push a', write());
      await assert.rejects(readPems('push a', write(texts), before), { message: says });
    });
  }

  it('are refused when they are gone', async () => {
    const files = { ...write(), keyFile: join(folder, 'nowhere') };
    await assert.rejects(readPems('push a', files), /^Error: push a: tls\.key_file \S+ cannot be used: ENOENT/);
  });
});
