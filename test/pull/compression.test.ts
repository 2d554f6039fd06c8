import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import { Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { after, before, beforeEach, describe, it, mock } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import zlib, { type Gzip, type ZstdCompress } from 'node:zlib';
import fc from 'fast-check';
import { compress } from '../../src/pull/compression.ts';

const decompress = { gzip: zlib.gunzipSync, zstd: zlib.zstdDecompressSync };

/** The streams that were made since the test began. */
let streams: (Gzip | ZstdCompress)[] = [];

before(() => {
  for (const name of ['createGzip', 'createZstdCompress'] as const) {
    const create = zlib[name] as (options: object) => Gzip | ZstdCompress;
    mock.method(zlib, name, (options: object) => {
      const stream = create(options);
      streams.push(stream);
      return stream;
    });
  }
  syncBuiltinESMExports();
});

after(() => {
  mock.restoreAll();
  syncBuiltinESMExports();
});

beforeEach(() => {
  streams = [];
});

async function assertClosed(): Promise<void> {
  const [stream] = streams;
  assert.ok(stream !== undefined && streams.length === 1);
  if (!stream.closed) await once(stream, 'close');
  assert.equal(stream.destroyed, true);
  // Long enough for what was left behind to reject.
  await setTimeout(5);
}

for (const coding of ['gzip', 'zstd'] as const) {
  describe(`compression with ${coding}`, () => {
    it('gives back every byte of any parts, those without bytes too', async () => {
      const part = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constant(new Uint8Array()));
      await fc.assert(
        fc.asyncProperty(fc.array(part, { maxLength: 20 }), fc.boolean(), async (parts, isAsync) => {
          const out = await buffer(compress(isAsync ? Readable.from(parts) : parts, coding));
          assert.deepEqual(decompress[coding](out), Buffer.concat(parts));
        }),
        { numRuns: 50 },
      );
    });

    it('lets the source reuse its buffer, however large and incompressible a part is', async () => {
      const parts = Array.from({ length: 5 }, (_, index) => randomBytes(300_000 * index));
      const out = await buffer(compress(throughOneBuffer(parts), coding));
      assert.ok(decompress[coding](out).equals(Buffer.concat(parts)));
    });

    it('makes text smaller as one stream, not part by part', async () => {
      const line = Buffer.from('http_requests_total{code="200"} 1\n');
      const out = await buffer(compress(Array<Buffer>(2000).fill(line), coding));
      assert.ok(out.length < 1000, `${out.length} bytes`);
    });

    it('asks for no more than the consumer takes', async () => {
      let asked = 0;
      const page = compress(
        (function* () {
          for (; asked < 1000; asked++) yield randomBytes(100_000);
        })(),
        coding,
      );
      for (let taken = 0; taken < 3; taken++) assert.equal((await page.next()).done, false);
      await setTimeout(5);
      assert.ok(asked <= 3, `${asked} parts`);
      await page.return();
    });

    it('gives the event loop a turn where there is nothing yet', async () => {
      let turns = 0;
      const page = compress(
        (function* () {
          while (turns < 3) {
            setImmediate(() => turns++);
            yield new Uint8Array();
          }
        })(),
        coding,
      );
      assert.equal(decompress[coding](await buffer(page)).length, 0);
    });

    it('closes the source and the stream when the consumer stops early', async () => {
      const source = watched();
      for await (const chunk of compress(source.parts, coding)) {
        assert.ok(chunk.length > 0);
        break;
      }
      assert.equal(source.isClosed(), true);
      await assertClosed();
    });

    it('closes them when the connection breaks', async () => {
      const source = watched();
      const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error('broken pipe')) });
      await assert.rejects(pipeline(compress(source.parts, coding), broken), /broken pipe/);
      assert.equal(source.isClosed(), true);
      await assertClosed();
    });

    it('makes nothing when it is never read', async () => {
      const source = watched();
      await compress(source.parts, coding).return();
      assert.equal(streams.length, 0);
    });

    it('throws what the source throws, at once or in the middle', async () => {
      for (const partsBefore of [0, 3]) {
        streams = [];
        const failing = (function* () {
          for (let part = 0; part < partsBefore; part++) yield randomBytes(100_000);
          throw new RangeError('no page');
        })();
        await assert.rejects(buffer(compress(failing, coding)), new RangeError('no page'));
        await assertClosed();
      }
    });

    it('throws what befalls the stream, between parts and while a part is read, and closes the source', async () => {
      const moments = [0, 3].flatMap((failing) => [false, true].map((within) => ({ failing, within })));
      for (const { failing, within } of moments) {
        streams = [];
        const source = watched(async (part) => {
          if (part !== failing) return;
          const fail = (): void => void streams[0]?.destroy(new Error('out of memory'));
          if (within) return void setImmediate(fail);
          fail();
          await setTimeout(5);
        });
        await assert.rejects(buffer(compress(source.parts, coding)), /out of memory/);
        assert.equal(source.isClosed(), true);
        await assertClosed();
      }
    });

    it('closes the stream at the end', async () => {
      await buffer(compress([randomBytes(10)], coding));
      await assertClosed();
    });
  });
}

it('a page in zstd needs no larger window than every client must have', async () => {
  const frame = await buffer(compress(Array<Buffer>(200).fill(Buffer.alloc(100_000, 'ab')), 'zstd'));
  // RFC 8878 section 3.1.1.1.2: 2^(10 + exponent) bytes and up to 7/8 more. RFC 9659 allows 8 MiB.
  const exponent = frame.readUInt8(5) >> 3;
  assert.ok(10 + exponent < 23, `2^${10 + exponent}`);
});

/** Each part in the same memory, which is spoilt before the next one and at the end. */
function* throughOneBuffer(parts: readonly Uint8Array[]): Generator<Uint8Array> {
  const memory = new Uint8Array(Math.max(...parts.map(({ length }) => length)));
  for (const part of parts) {
    memory.set(part);
    yield memory.subarray(0, part.length);
    memory.fill(0xff);
  }
}

/** A source without an end that knows whether it was closed. */
function watched(onPart: (part: number) => Promise<void> = () => setTimeout(0)): {
  parts: AsyncIterable<Uint8Array>;
  isClosed: () => boolean;
} {
  let closed = false;
  async function* read(): AsyncGenerator<Uint8Array> {
    try {
      for (let part = 0; ; part++) {
        await onPart(part);
        yield randomBytes(500_000);
      }
    } finally {
      closed = true;
    }
  }
  return { parts: read(), isClosed: () => closed };
}
