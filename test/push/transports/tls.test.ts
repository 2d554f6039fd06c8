import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { readPems, type PemFiles } from '../../../src/http/pem.ts';
import type { Tls } from '../../../src/push/transports/transport.ts';
import { createAuthority, type Issued, type IssueOptions } from '../../serving/proxy/test-authority.ts';
import { protocols, startSending, type Protocol, type Sending } from './sending.ts';

const authority = createAuthority('authority of the test');
const stranger = createAuthority('authority of somebody else');
const names = ['127.0.0.1', 'localhost'];
const ca = Buffer.from(authority.cert);

const folder = mkdtempSync(join(tmpdir(), 'metergate-tls-'));
after(() => rmSync(folder, { recursive: true }));

/** Writes those that are given. */
function filesOf(texts: Readonly<Partial<Record<'ca' | 'cert' | 'key', string>>>): PemFiles {
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text);
  return { caFile: join(folder, 'ca'), certFile: join(folder, 'cert'), keyFile: join(folder, 'key') };
}

const pems = ({ cert, key }: Issued): Tls => ({ cert: Buffer.from(cert), key: Buffer.from(key) });

interface Case {
  readonly server?: IssueOptions;
  /** The sink lets in only who shows a certificate of the authority. */
  readonly asksForCertificate?: boolean;
  readonly tls: Tls;
  /** None = it is sent. */
  readonly says?: RegExp;
  /** Of OTLP/HTTP. */
  readonly code?: string;
}

const cases: Record<string, Case> = {
  'trusts whom the given authority names': { tls: { ca } },
  'shows its certificate': { asksForCertificate: true, tls: { ca, ...pems(authority.issue()) } },
  'does not trust whom nobody names': {
    tls: {},
    says: /certificate \(its authority is not in push\[\]\.tls\.ca_file\)$/,
    code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  },
  'does not trust whom another authority names': {
    tls: { ca: Buffer.from(stranger.cert) },
    says: /certificate \(its authority is not in push\[\]\.tls\.ca_file\)$/,
    code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  },
  'does not trust a certificate that has expired': {
    server: { names, to: new Date('2021-01-01') },
    tls: { ca },
    says: /certificate has expired( \(\S+\))?$/,
    code: 'CERT_HAS_EXPIRED',
  },
  'does not trust a certificate for another name': {
    server: { names: ['elsewhere.test'] },
    tls: { ca },
    says: /IP: 127\.0\.0\.1 is not in the cert's list/,
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  },
  'is not let in without a certificate': {
    asksForCertificate: true,
    tls: { ca },
    // What was said before a reset is lost with it.
    says: /(client certificate: push\[\]\.tls\.cert_file\)|ECONNRESET|EPIPE|Failed to connect)$/,
  },
  'is not let in with one of another authority': {
    asksForCertificate: true,
    tls: { ca, ...pems(stranger.issue()) },
    says: /./,
  },
};

async function startTls(
  t: TestContext,
  protocol: Protocol,
  { server, asksForCertificate, tls }: Case,
): Promise<Sending> {
  const own = authority.issue(server ?? { names });
  const sinkTls = asksForCertificate === true ? { ...own, ca: authority.cert } : own;
  return await startSending(t, protocol, { sink: { tls: sinkTls }, tls });
}

for (const protocol of protocols) {
  describe(`${protocol} with TLS`, () => {
    for (const [name, each] of Object.entries(cases)) {
      it(name, async (t) => {
        const { sink, send } = await startTls(t, protocol, each);
        const outcome = await send();
        assert.equal(sink.url.slice(0, 6), 'https:');
        assert.equal(sink.exports.length, each.says ? 0 : 1);
        if (!each.says) return assert.equal(outcome.status, 'sent');
        // Nothing was refused: such things get repaired, and until then the data waits.
        assert.equal(outcome.status, 'retryable');
        assert.match(outcome.message, each.says);
        if (protocol === 'grpc') assert.equal(outcome.code, 'UNAVAILABLE');
        else if (each.code !== undefined) assert.equal(outcome.code, each.code);
      });
    }

    it('does not talk to who speaks plain text, and says so', async (t) => {
      const { sink, send } = await startSending(t, protocol);
      const url = sink.url.replace('http:', 'https:');
      const { send: sendSafely } = await startSending(t, protocol, { endpoint: url, tls: { ca } });
      assert.equal((await sendSafely()).status, 'retryable');
      assert.equal((await send()).status, 'sent');
      assert.equal(sink.exports.length, 1);
    });

    it('trusts by name where there is one, and by no other', async (t) => {
      const { sink, send } = await startTls(t, protocol, { server: { names: ['localhost'] }, tls: { ca } });
      const byName = sink.url.replace('127.0.0.1', 'localhost');
      const { send: sendByName } = await startSending(t, protocol, { endpoint: byName, tls: { ca } });
      assert.equal((await send()).status, 'retryable');
      assert.equal((await sendByName()).status, 'sent');
    });

    it('goes on with what comes into its files, and with what was there before if that cannot be used', async (t) => {
      const files = filesOf({ ca: stranger.cert, ...stranger.issue() });
      const said: (string | undefined)[] = [];
      const { sink, send } = await startSending(t, protocol, {
        sink: { tls: { ...authority.issue({ names }), ca: authority.cert } },
        tls: await readPems('push a', files),
        renewal: {
          read: (before) => readPems('push a', files, before),
          onRead: (problem) => said.push(problem?.slice(0, 'push a: tls.cert_file'.length)),
        },
      });
      assert.equal((await send()).status, 'retryable');
      // Its certificate is not yet there.
      filesOf({ ca: authority.cert });
      assert.equal((await send()).status, 'retryable');
      filesOf(authority.issue());
      assert.equal((await send()).status, 'sent');
      filesOf({ cert: '-----BEGIN CERTIFICATE-----\nMII' });
      for (let i = 0; i < 3; i++) {
        await sink.goDown();
        assert.equal((await send()).status, 'retryable');
        await sink.comeUp();
        assert.equal((await send()).status, 'sent');
      }
      assert.deepEqual(said, [undefined, undefined, 'push a: tls.cert_file']);
      assert.equal(sink.exports.length, 4);
    });

    it('warns of nothing', async (t) => {
      const warnings: Error[] = [];
      const onWarning = (warning: Error): void => void warnings.push(warning);
      process.on('warning', onWarning);
      t.after(() => process.off('warning', onWarning));
      const { send } = await startTls(t, protocol, { tls: { ca } });
      assert.equal((await send()).status, 'sent');
      assert.deepEqual(warnings, []);
    });
  });
}
