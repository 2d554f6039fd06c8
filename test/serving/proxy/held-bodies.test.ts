// A body may be looked into, wait for a place, be refused by a replica and meet a slow one, and is still the same body.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { protocols } from '../../../src/serving/protocols/index.ts';
import { connectTo } from './downstream.ts';
import { REFUSING, replicated } from './replica-servers.ts';
import { assertCounts, startProxy, type RunningProxy } from './running-proxy.ts';
import { startUpstream } from './upstream-servers.ts';

const CHAT = '/v1/chat/completions';
const RUNS = 60;
const AT_ONCE = 4;

interface Sent {
  readonly body: string;
  /** Where it is cut, in bytes. */
  readonly cuts: readonly number[];
  readonly chunked: boolean;
  readonly expect: boolean;
  /** The upstream reads it slowly. */
  readonly slowly: boolean;
}

const openai = protocols.openai({ name: 'llm', models: [], routes: [] });
const bodies = fc
  .record({ before: fc.constantFrom(0, 10, 30_000, 65_500, 200_000), after: fc.constantFrom(0, 10, 70_000, 400_000) })
  .map(({ before, after }) => `{"a":"${'a'.repeat(before)}","model":"gpt","b":"${'b'.repeat(after)}"}`);
const sent: fc.Arbitrary<Sent> = fc.record({
  body: bodies,
  cuts: fc.array(fc.nat(500_000), { maxLength: 6, size: 'max' }),
  ...{ chunked: fc.boolean(), expect: fc.boolean(), slowly: fc.boolean() },
});

/** @returns the digests of the bodies that came whole, by the number of their request. */
async function startReader(t: TestContext): Promise<{ url: string; digests: Map<string, string> }> {
  const digests = new Map<string, string>();
  const { url } = await startUpstream(t, (request, response) => {
    const hash = createHash('sha256');
    const read = async (): Promise<void> => {
      for await (const chunk of request) {
        hash.update(chunk as Buffer);
        if (request.headers['x-slowly'] === 'true') await sleep(1);
      }
      digests.set(String(request.headers['x-n']), hash.digest('hex'));
      response.end('ok');
    };
    read().catch(() => {});
  });
  return { url, digests };
}

async function sendOne(t: TestContext, { url }: RunningProxy, n: number, given: Sent): Promise<void> {
  const { body, chunked, expect, slowly, cuts } = given;
  const downstream = await connectTo(t, url);
  const framing = chunked ? 'transfer-encoding: chunked' : `content-length: ${body.length}`;
  const lines = [`POST ${CHAT} HTTP/1.1`, 'host: a', `x-n: ${n}`, `x-slowly: ${slowly}`, framing];
  downstream.write([...lines, ...(expect ? ['expect: 100-continue'] : []), '', ''].join('\r\n'));
  if (expect) await downstream.see('100 Continue');
  const ends = [...cuts.filter((cut) => cut < body.length), body.length].sort((a, b) => a - b);
  let at = 0;
  for (const end of ends) {
    const part = Buffer.from(body.slice(at, end));
    if (part.length > 0) downstream.write(chunked ? framed(part) : part);
    at = end;
    await sleep(1);
  }
  if (chunked) downstream.write('0\r\n\r\n');
  await downstream.see('\r\n\r\nok');
  downstream.socket.destroy();
}

function framed(part: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]);
}

for (const [name, protocol] of [
  ['that is looked into', openai],
  ['that is not', undefined],
] as const) {
  test(`a body ${name}, however it comes and whatever it waits for, comes whole`, async (t) => {
    const { url, digests } = await startReader(t);
    const changes = { requestsInFlightMax: 2, ...(protocol && { protocol }) };
    const upstream = replicated([REFUSING[0], url], changes);
    const running = await startProxy(t, [upstream]);
    let total = 0;
    const check = async (all: readonly Sent[]): Promise<void> => {
      const first = total;
      total += all.length;
      await Promise.all(all.map((each, n) => sendOne(t, running, first + n, each)));
      all.forEach((each, n) => {
        assert.equal(digests.get(String(first + n)), createHash('sha256').update(each.body).digest('hex'));
      });
    };
    const batches = fc.array(sent, { minLength: AT_ONCE, maxLength: AT_ONCE });
    await fc.assert(fc.asyncProperty(batches, check), { numRuns: RUNS / AT_ONCE, endOnFailure: true });
    await assertCounts(running, protocol ? { success: total } : {});
    assert.equal(digests.size, total);
  });
}
