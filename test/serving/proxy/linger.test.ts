import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import { closeBehindBody } from '../../../src/serving/proxy/linger.ts';
import { send } from './downstream.ts';

test('requests that waited for 100 Continue leave nothing on their connection', async (t) => {
  const sockets = new Set<Socket>();
  const server = createServer().on('checkContinue', (request, response) => {
    sockets.add(request.socket);
    closeBehindBody(request);
    response.writeContinue();
    request.resume().on('end', () => response.end('ok'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = new Agent({ keepAlive: true });
  t.after(() => {
    agent.destroy();
    server.close();
  });

  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (let n = 0; n < 20; n++) {
    const { status } = await send(url, { method: 'POST', headers: { expect: '100-continue' }, body: 'body', agent });
    assert.equal(status, 200);
  }
  const [socket, ...others] = sockets;
  assert.ok(socket && others.length === 0, 'it is one connection');
  assert.equal(Object.hasOwn(socket, 'destroySoon'), false);
});
