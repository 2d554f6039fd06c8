import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { reset } from '../../src/http/reset.ts';
import { until } from '../support/until.ts';

describe('a connection that is reset', () => {
  it('has the other side told so', async (t) => {
    const { ours, theirs } = await connection(t);
    const told = once(theirs.resume(), 'error');
    reset(ours);
    const [error] = (await told) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
    await until('ours is closed', () => ours.closed);
  });

  it('is let go of though it was just about to end', async (t) => {
    const { ours, theirs } = await connection(t);
    theirs.resume();
    ours.end('all');
    reset(ours);
    await until('both are closed', () => ours.closed && theirs.closed);
  });
});

async function connection(t: TestContext): Promise<{ ours: Socket; theirs: Socket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const theirs = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [[ours]] = (await Promise.all([once(server, 'connection'), once(theirs, 'connect')])) as [[Socket], unknown];
  t.after(() => theirs.destroy());
  return { ours, theirs };
}
