import assert from 'node:assert/strict';
import type { ServerOptions } from 'node:https';
import { test } from 'node:test';
import { connectTo } from './downstream.ts';
import { assertCounts, INFER, startProxy, upstreamAt } from './running-proxy.ts';
import { createAuthority } from './test-authority.ts';
import { authority, HERE, startTlsUpstream, tlsOf, type Trust } from './tls-upstream.ts';

const stranger = createAuthority('authority of nobody');
const client = authority.issue();

/** Those that undici sends, and those that it does not. */
const ways: Record<string, string> = {
  'a request': '',
  'a request that expects a 100': 'expect: 100-continue\r\n',
  'a request with trailers': 'trailer: x-t\r\n',
};

interface Case {
  readonly server?: ServerOptions;
  readonly trust: Trust;
  readonly works: boolean;
}

const past = { from: new Date('2020-01-01'), to: new Date('2020-02-01') };
const future = { from: new Date('2098-01-01'), to: new Date('2099-01-01') };
const demanding = { requestCert: true, rejectUnauthorized: true, ca: authority.cert };
const cases: Record<string, Case> = {
  'a certificate of an authority that is trusted': { trust: { ca: authority.cert }, works: true },
  'one of several that are trusted': {
    trust: { ca: `# two of them\n\n${stranger.cert}\n# and\n${authority.cert}` },
    works: true,
  },
  'the name that is asked for': {
    server: authority.issue({ names: ['iris.internal'] }),
    trust: { ca: authority.cert, serverName: 'iris.internal' },
    works: true,
  },
  'a demand for a certificate, which there is': {
    server: demanding,
    trust: { ca: authority.cert, ...client },
    works: true,
  },
  'an authority that nobody knows': { trust: {}, works: false },
  'an authority that is not the one that is trusted': { trust: { ca: stranger.cert }, works: false },
  'a certificate that has expired': {
    server: authority.issue({ names: HERE, ...past }),
    trust: { ca: authority.cert },
    works: false,
  },
  'a certificate that is not valid yet': {
    server: authority.issue({ names: HERE, ...future }),
    trust: { ca: authority.cert },
    works: false,
  },
  'the name of somebody else': {
    server: authority.issue({ names: ['wine.internal'] }),
    trust: { ca: authority.cert, serverName: 'iris.internal' },
    works: false,
  },
  'another address': { server: authority.issue({ names: ['10.0.0.1'] }), trust: { ca: authority.cert }, works: false },
  'a demand for a certificate, which there is not': { server: demanding, trust: { ca: authority.cert }, works: false },
};
for (const [name, { server = {}, trust, works }] of Object.entries(cases)) {
  for (const [way, line] of Object.entries(ways)) {
    test(`${way} to an upstream with ${name} is ${works ? 'answered' : 'a 502, and nothing of it was sent'}`, async (t) => {
      const upstream = await startTlsUpstream(t, server);
      const running = await startProxy(t, [upstreamAt(upstream.url, { tls: await tlsOf(t, trust) })]);
      const downstream = await connectTo(t, running.url);
      const head = `POST ${INFER} HTTP/1.1\r\nhost: a\r\n${line}transfer-encoding: chunked\r\n\r\n`;
      downstream.write(`${head}2\r\n{}\r\n0\r\n\r\n`);
      await downstream.see('HTTP/1.1 ' + (works ? '200' : '502'));
      await assertCounts(running, works ? { success: 1 } : { failure: 1 });
      assert.deepEqual(upstream.seen, works ? [`POST ${INFER}`] : []);
      if (works) assert.deepEqual(upstream.serverNames, [trust.serverName ?? false]);
      if (trust.cert !== undefined) assert.ok(trust.cert.replace(/\n/g, '').includes(upstream.certificates[0] ?? ''));
      const error = { 'error.type': server === demanding ? 'upstream_closed' : 'upstream_unreachable' };
      if (!works) assert.equal(await running.telemetry.value('http.server.request.duration', error), 1);
    });
  }
}
