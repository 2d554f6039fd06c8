// The way through a proxy, real on both sides. The receiver has a name that only the proxy can take anywhere.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { createAuthority, type Issued } from '../../serving/proxy/test-authority.ts';
import { freePort } from '../../support/processes.ts';
import { until } from '../../support/until.ts';
import { startSending, type Sending, type SendingOptions } from './sending.ts';
import { startProxy, user, type TestProxy } from './test-proxy.ts';

const authority = createAuthority('authority of the test');
const stranger = createAuthority('authority of somebody else');
const pem = ({ cert, key }: Issued) => ({ cert: Buffer.from(cert), key: Buffer.from(key) });
const ours = { ca: Buffer.from(authority.cert), ...pem(authority.issue()) };

type Scheme = 'http' | 'https';
type Behind = Sending & { readonly proxy: TestProxy; readonly receiver: string };

/** A receiver that lets in only who shows a certificate, if it is https, and a proxy before it. */
async function startBehind(
  t: TestContext,
  scheme: Scheme,
  {
    name = 'receiver.test',
    certified = name,
    proxy = startProxy(t),
    ...options
  }: Partial<{
    name: string;
    certified: string;
    proxy: Promise<TestProxy>;
  }> &
    Omit<SendingOptions, 'proxy'> = {},
): Promise<Behind> {
  const port = await freePort();
  const receiver = `${name}:${port}`;
  const tls = { ...authority.issue({ names: [certified] }), ca: authority.cert };
  const started = await proxy;
  const sending = await startSending(t, 'http/protobuf', {
    sink: { port, ...(scheme === 'https' && { tls }) },
    endpoint: `${scheme}://${receiver}/v1/metrics`,
    ...(scheme === 'https' && { tls: ours }),
    proxy: started.url,
    ...options,
  });
  return { ...sending, proxy: started, receiver };
}

for (const scheme of ['http', 'https'] as const) {
  describe(`through a proxy to an ${scheme} endpoint`, () => {
    it('the batch arrives, and the proxy alone is told its credentials', async (t) => {
      const { sink, send, proxy, receiver } = await startBehind(t, scheme, { headers: { authorization: 'Bearer x' } });
      for (let i = 0; i < 5; i++) assert.equal((await send()).status, 'sent');
      const line = scheme === 'http' ? `POST http://${receiver}/v1/metrics` : `CONNECT ${receiver}`;
      assert.deepEqual(proxy.asked[0], { line, authorization: `Basic ${user.basic}` });
      // undici opens a second one if the first is not quite done.
      if (scheme === 'https') assert.ok(proxy.asked.length <= 2);
      assert.equal(sink.exports.length, 5);
      for (const { headers, path } of sink.exports) {
        assert.partialDeepStrictEqual(headers, { host: receiver, authorization: 'Bearer x' });
        assert.deepEqual([path, headers['proxy-authorization']], ['/v1/metrics', undefined]);
      }
    });

    it('the answers of the receiver are what they are', async (t) => {
      const { sink, send } = await startBehind(t, scheme);
      sink.next('refuse', { rejectedPoints: 3, message: 'too old' }, 'reset_answer');
      assert.partialDeepStrictEqual(await send(), { status: 'retryable', code: '503', message: 'try again later' });
      assert.partialDeepStrictEqual(await send(), { status: 'sent', rejectedPoints: 3 });
      assert.equal((await send()).status, 'retryable');
      assert.equal((await send()).status, 'sent');
    });

    it('one that is away is tried again, and is named', async (t) => {
      const { send, proxy } = await startBehind(t, scheme);
      await proxy.close();
      const message = `through the proxy ${proxy.host}: connect ECONNREFUSED ${proxy.host}`;
      assert.deepEqual(await send(), { status: 'retryable', code: 'ECONNREFUSED', message });
    });

    for (const status of [407, ...(scheme === 'https' ? [403, 502] : [])]) {
      it(`one that answers ${status} is tried again, and is named: the receiver has refused nothing`, async (t) => {
        const { sink, send, proxy } = await startBehind(t, scheme);
        proxy.behaviour = status;
        const message = `through the proxy ${proxy.host}: the proxy answers ${status}`;
        for (let i = 0; i < 3; i++)
          assert.deepEqual(await send(), { status: 'retryable', code: String(status), message });
        proxy.behaviour = 'open';
        assert.equal((await send()).status, 'sent');
        assert.equal(sink.exports.length, 1);
      });
    }

    it('one that resets connections is tried again', async (t) => {
      const { send, proxy } = await startBehind(t, scheme);
      proxy.behaviour = 'reset';
      for (let i = 0; i < 3; i++) assert.equal((await send()).status, 'retryable');
      proxy.behaviour = 'open';
      assert.equal((await send()).status, 'sent');
    });

    it('one that never answers is given up in time, and tried on a new connection', async (t) => {
      const { send, proxy } = await startBehind(t, scheme, { timeoutMs: 100 });
      proxy.behaviour = 'hang';
      const message = `through the proxy ${proxy.host}: no answer within 100 ms`;
      for (let i = 0; i < 2; i++) assert.deepEqual(await send(), { status: 'retryable', code: 'ETIMEDOUT', message });
      await until('no connection is left of those', () => proxy.connections === 0);
      proxy.behaviour = 'open';
      // A slow machine may not manage that in time.
      let { status } = await send();
      for (let i = 0; i < 5 && status !== 'sent'; i++) ({ status } = await send());
      assert.equal(status, 'sent');
    });

    it('whoever gives up, or closes, does so at once, and nothing is left', { timeout: 20_000 }, async (t) => {
      const { send, close, proxy } = await startBehind(t, scheme, { timeoutMs: 60_000 });
      proxy.behaviour = 'hang';
      const giveUp = new AbortController();
      const given = send(Buffer.alloc(10), giveUp.signal);
      await until('the proxy is asked', () => proxy.asked.length === 1);
      giveUp.abort();
      assert.partialDeepStrictEqual(await given, { status: 'retryable', code: 'CANCELLED' });
      const closed = send();
      await until('the proxy is asked again', () => proxy.asked.length === 2);
      await close();
      assert.partialDeepStrictEqual(await closed, { status: 'retryable', code: 'CANCELLED' });
      await until('every connection is closed', () => proxy.connections === 0);
    });
  });
}

describe('through the tunnel of a proxy', () => {
  it('the receiver is trusted by its own certificate, and by no other', async (t) => {
    const cases = {
      'its name': { outcome: 'sent' },
      'an address': { name: '10.1.2.3', outcome: 'sent' },
      'another name': { certified: 'elsewhere.test', outcome: 'retryable' },
      'another authority': { tls: { ...ours, ca: Buffer.from(stranger.cert) }, outcome: 'retryable' },
      'no certificate of ours': { tls: { ca: ours.ca }, outcome: 'retryable' },
      'a certificate of ours by another authority': {
        tls: { ca: ours.ca, ...pem(stranger.issue()) },
        outcome: 'retryable',
      },
    };
    for (const [what, { outcome, ...options }] of Object.entries(cases)) {
      const { sink, send, proxy, receiver } = await startBehind(t, 'https', options);
      const { status } = await send();
      assert.equal(status, outcome, what);
      assert.equal(sink.exports.length, outcome === 'sent' ? 1 : 0);
      assert.equal(proxy.asked[0]?.line, `CONNECT ${receiver}`);
    }
  });

  it('a receiver that says nothing is given up in time', async (t) => {
    const { send, proxy } = await startBehind(t, 'https', { timeoutMs: 100 });
    proxy.behaviour = 'stall';
    assert.partialDeepStrictEqual(await send(), { status: 'retryable', code: 'ETIMEDOUT' });
  });
});

describe('a proxy', () => {
  it('that repeats its credentials does not bring them into a text', async (t) => {
    const { send, proxy } = await startBehind(t, 'http');
    proxy.behaviour = 502;
    assert.deepEqual(await send(), { status: 'retryable', code: '502', message: 'not with ***' });
  });

  it('over TLS is trusted as Node.js trusts, and is shown no certificate of ours', async (t) => {
    const before = getCACertificates('default');
    setDefaultCACertificates([...before, authority.cert]);
    t.after(() => setDefaultCACertificates(before));
    for (const scheme of ['http', 'https'] as const) {
      const proxy = startProxy(t, authority.issue({ names: ['localhost'] }));
      const { sink, send } = await startBehind(t, scheme, { proxy });
      assert.equal((await send()).status, 'sent');
      assert.equal(sink.exports.length, 1);
      assert.equal((await proxy).certificates, 0);
      const unknown = startProxy(t, stranger.issue({ names: ['localhost'] }));
      const other = await startBehind(t, scheme, { proxy: unknown });
      assert.equal((await other.send()).status, 'retryable');
      assert.equal((await unknown).asked.length, 0);
    }
  });

  it('in the environment is not looked for by who sends over HTTP', async (t) => {
    const proxy = await startProxy(t);
    setVariables(t, { http_proxy: proxy.url, https_proxy: proxy.url });
    const { send } = await startSending(t, 'http/protobuf');
    assert.equal((await send()).status, 'sent');
    assert.equal(proxy.asked.length, 0);
  });
});

it('gRPC goes through no proxy: its library would end the process for one that refuses', async (t) => {
  const proxy = await startProxy(t);
  setVariables(t, { grpc_proxy: proxy.url, https_proxy: proxy.url, http_proxy: proxy.url });
  const { send } = await startSending(t, 'grpc', { endpoint: 'http://receiver.invalid:4317' });
  assert.match((await send()).message, /receiver\.invalid/);
  assert.equal(proxy.asked.length, 0);
});

function setVariables(t: TestContext, variables: Readonly<Record<string, string>>): void {
  const before = { ...process.env };
  const clear = (): void => {
    for (const name of ['grpc_proxy', 'https_proxy', 'http_proxy', 'no_grpc_proxy', 'no_proxy'])
      Reflect.deleteProperty(process.env, name);
  };
  t.after(() => {
    clear();
    Object.assign(process.env, before);
  });
  clear();
  Object.assign(process.env, variables);
}
