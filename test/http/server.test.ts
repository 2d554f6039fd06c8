import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { createConnections, formatAddress, listen, ListenError, type Address } from '../../src/http/server.ts';
import { createTestTelemetry } from '../support/telemetry.ts';
import { deadlineIn } from '../../src/std/deadline.ts';

test('a free port is taken for port 0, and the URL says which', async (t) => {
  const server = createServer((_request, response) => response.end('here'));
  t.after(() => server.close());
  const url = await listen(server, { address: { host: '127.0.0.1', port: 0 }, key: 'listen.test' });
  assert.equal(await (await fetch(url, { headers: { connection: 'close' } })).text(), 'here');
});

const failures: Record<string, { address: Address; message: RegExp }> = {
  'an address of another machine': {
    address: { host: '192.0.2.1', port: 9_999 },
    message: /^listen\.test: 192\.0\.2\.1:9999 is not an address of this machine$/,
  },
  'a host that does not resolve': {
    address: { host: 'no..name', port: 9_999 },
    message: /^listen\.test: no\.\.name:9999 cannot be listened on: /,
  },
};
for (const [name, { address, message }] of Object.entries(failures)) {
  test(`${name} is an error that names the key and the address`, async () => {
    const error: unknown = await listen(createServer(), { address, key: 'listen.test' }).catch(
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof ListenError && error.cause instanceof Error);
    assert.match(error.message, message);
  });
}

test('a server that never listened is closed already', async () => {
  const { events } = createTestTelemetry();
  const connections = createConnections(createServer(), {
    name: 'test',
    connectionsMax: 1,
    events,
    isBusy: () => false,
  });
  await connections.close(deadlineIn(3_600_000));
});

test('addresses are written as URLs have them', () => {
  assert.equal(formatAddress({ host: '::1', port: 80 }), '[::1]:80');
  assert.equal(formatAddress({ host: 'localhost', port: 80 }), 'localhost:80');
});
