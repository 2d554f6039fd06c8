import { finished } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import { constants, createGzip, createZstdCompress, type Gzip, type ZstdCompress } from 'node:zlib';
import type { Coding } from '../exposition/negotiation.ts';

type Compression = Exclude<Coding, 'identity'>;

/**
 * The lowest levels: the others cost up to three times the CPU and save little, since a page repeats itself line by line. 8 MB in parts
 * of 64 KiB, Node 26 on a virtual machine of two cores, medians of 9 runs, CPU ms and KB of output:
 *
 * | page | gzip 1 | gzip 3 | gzip 6 | zstd 1 | zstd 3 |
 * |---|---|---|---|---|---|
 * | histograms of 400 models | 14, 247 | 15, 239 | 34, 206 | 11, 242 | 11, 241 |
 * | counters with random labels and values | 31, 1167 | 45, 1144 | 75, 1083 | 17, 1106 | 28, 1137 |
 *
 * A stream of zstd holds 0.9 MB at level 1 and 1.9 MB at 3, one of gzip 0.3 MB. The window of zstd stays below the 8 MiB that
 * RFC 9659 and Prometheus allow.
 */
const LEVELS: Readonly<Record<Compression, number>> = { gzip: 1, zstd: 1 };

/**
 * Compresses parts as they come, in the thread pool. Each part is consumed before the next one is asked for, so the source may reuse
 * its buffer, and none is asked for before the consumer wants more. A part of no bytes means "nothing yet": the event loop gets a turn.
 *
 * When the consumer stops early the source is closed (after the part that is being waited for); what the source throws is thrown to
 * the consumer. Either way the compressor is destroyed.
 */
export async function* compress(
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  coding: Compression,
): AsyncGenerator<Uint8Array, void, undefined> {
  const stream = createStream(coding);
  // Taken as it comes, because a write is not called back while its output waits; it is hardly more than the part.
  const output: Uint8Array[] = [];
  stream.on('data', (chunk: Uint8Array) => output.push(chunk));
  const failure = new Promise<never>((_, reject) => stream.once('error', reject));
  failure.catch(() => {});

  try {
    for await (const part of parts) {
      await (part.length === 0 ? setImmediate() : Promise.race([write(stream, part), failure]));
      yield* output.splice(0);
    }
    stream.end();
    await finished(stream);
    yield* output.splice(0);
  } finally {
    stream.destroy();
  }
}

function createStream(coding: Compression): Gzip | ZstdCompress {
  switch (coding) {
    case 'gzip':
      return createGzip({ level: LEVELS.gzip });
    case 'zstd':
      return createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: LEVELS.zstd } });
  }
}

/** Resolves when the part has been read. A failure may be told here, by the event, or by both. */
function write(stream: Gzip | ZstdCompress, part: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(part, (error) => (error ? reject(error) : resolve()));
  });
}
