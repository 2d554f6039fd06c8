import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { crc32 } from 'node:zlib';
import { openQueue } from '../../../src/push/queue/index.ts';
import type { Queue, QueueDrop, QueueFault } from '../../../src/push/queue/queue.ts';

// What is in the folder is damaged in every way: the queue starts, names the damage, and delivers what is not damaged, in order.

const LONG = process.env.METERGATE_LONG === '1';
const root = mkdtempSync(join(tmpdir(), 'metergate-damage-'));
after(() => rmSync(root, { recursive: true }));

const PAYLOAD_BYTES = 20;
const SEGMENT_HEADER_BYTES = 16;
const RECORD_BYTES = 32 + PAYLOAD_BYTES;
const PER_SEGMENT = 3;
const SEGMENT_BYTES = SEGMENT_HEADER_BYTES + PER_SEGMENT * RECORD_BYTES;
/** In three segments, of which the one in the middle is damaged. */
const ALL = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const MIDDLE = [3, 4, 5];

let pristine: string;
let segments: readonly string[];
before(async () => {
  pristine = join(root, 'pristine');
  const { queue } = await open(pristine);
  for (const number of ALL) assert.deepEqual(await queue.append(createBatch(number)), { onDisk: true });
  await queue.close();
  segments = (await readdir(pristine)).toSorted();
  assert.equal(segments.length, 3);
  assert.equal((await stat(join(pristine, segmentAt(1)))).size, SEGMENT_BYTES);
});

describe('a segment of which', () => {
  it('any bit has flipped: at most the batch with that bit is missing, and then it is reported, once', async () => {
    await atOnce(SEGMENT_BYTES, async (offset) => {
      for (const bit of LONG ? [0, 1, 2, 3, 4, 5, 6, 7] : [offset % 8]) {
        const { directory, path } = await copy();
        await change(path, (bytes) => bytes.writeUInt8((bytes[offset] ?? 0) ^ (1 << bit), offset));
        await losesAtMost(directory, batchesAt(offset), `bit ${bit} of byte ${offset}`);
      }
    });
  });

  it('a byte is another one: at most its batch is missing, and then it is reported, once', async () => {
    await atOnce(SEGMENT_BYTES, async (offset) => {
      for (const byte of LONG ? [0, 1, 0x7f, 0x80, 0xfe, 0xff] : [offset % 2 === 0 ? 0xff : 0]) {
        const { directory, path } = await copy();
        await change(path, (bytes) => bytes.writeUInt8(byte, offset));
        // 0xff at this place says that the batch is delivered: the one byte that nobody can tell from a true one.
        const silently = (offset - SEGMENT_HEADER_BYTES) % RECORD_BYTES === 28 && byte === 0xff;
        await losesAtMost(directory, batchesAt(offset), `byte ${offset} is ${byte}`, { silently });
      }
    });
  });

  it('the end is missing: what is whole is delivered, and what is not is named', async () => {
    await atOnce(SEGMENT_BYTES, async (size) => {
      const { directory, path } = await copy();
      await truncate(path, size);
      const whole = Math.max(0, Math.floor((size - SEGMENT_HEADER_BYTES) / RECORD_BYTES));
      const { faults } = await delivers(directory, without(MIDDLE.slice(whole)), `${size} bytes`);
      const isWhole = size === SEGMENT_HEADER_BYTES + whole * RECORD_BYTES || size === 0;
      if (!isWhole) assert.ok(faults.some(names(path)), `${size} bytes: ${JSON.stringify(faults)}`);
    });
  });

  const changes: Record<string, { change: (bytes: Buffer) => Buffer; missing: readonly number[] }> = {
    'nothing is left but zeros': { change: (bytes) => bytes.fill(0), missing: MIDDLE },
    'nothing is left but garbage': { change: (bytes) => fillGarbage(bytes), missing: MIDDLE },
    'the first half is garbage': { change: (bytes) => (fillGarbage(bytes.subarray(0, 100)), bytes), missing: [3, 4] },
    'the first block is missing': { change: (bytes) => bytes.subarray(90), missing: [3, 4] },
    'the batches at both ends are damaged': {
      change: (bytes) => (fillGarbage(recordAt(bytes, 0)), fillGarbage(recordAt(bytes, 2)), bytes),
      missing: [3, 5],
    },
    'the payload of one batch and the header of the next one are damaged': {
      change: (bytes) => (
        fillGarbage(recordAt(bytes, 0).subarray(40)),
        fillGarbage(recordAt(bytes, 1).subarray(0, 9)),
        bytes
      ),
      missing: [3, 4],
    },
    'a part of a batch is there twice': {
      change: (bytes) => Buffer.concat([bytes.subarray(0, 68), bytes.subarray(30)]),
      missing: [],
    },
    'some bytes are missing in the middle': {
      change: (bytes) => Buffer.concat([bytes.subarray(0, 80), bytes.subarray(90)]),
      missing: [4],
    },
    'some bytes too many are in the middle': {
      change: (bytes) => Buffer.concat([bytes.subarray(0, 80), Buffer.alloc(10), bytes.subarray(80)]),
      missing: [4],
    },
  };
  for (const [name, { change: damage, missing }] of Object.entries(changes)) {
    it(`${name}: the rest is delivered`, async () => {
      const { directory, path } = await copy();
      await writeFile(path, damage(await readFile(path)));
      const { faults } = await delivers(directory, without(missing), name);
      assert.ok(faults.some(names(path)), JSON.stringify(faults));
    });
  }

  for (const [name, end] of Object.entries({ zeros: Buffer.alloc(100), garbage: fillGarbage(Buffer.alloc(5000)) })) {
    it(`there are ${name} after the end: nothing is missing`, async () => {
      const { directory, path } = await copy();
      await writeFile(path, Buffer.concat([await readFile(path), end]));
      await delivers(directory, ALL, name);
    });
  }

  it('the header of a batch is damaged: what looks like a batch in its payload is not delivered', async () => {
    const directory = join(root, 'nested');
    const { queue } = await open(directory);
    const inner = await readFile(join(pristine, segmentAt(0)));
    await queue.append({ ...createBatch(0), payload: inner });
    await queue.append(createBatch(1));
    await queue.close();
    const [first = ''] = (await readdir(directory)).toSorted();
    const path = join(directory, first);
    await change(path, (bytes) => fillGarbage(bytes.subarray(SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES + 8)));
    await delivers(directory, [1], 'nested');
  });

  it('the version is a later one: it stays as it is', async () => {
    const { directory, path } = await copy();
    const later = await readFile(path);
    later.writeUInt32LE(2, 8);
    later.writeUInt32LE(crc32(later.subarray(8, SEGMENT_HEADER_BYTES)), 4);
    await writeFile(path, later);
    const { faults } = await delivers(directory, without(MIDDLE), 'a later version');
    assert.ok(faults.some(names(path)), JSON.stringify(faults));
    assert.deepEqual(await readFile(path), later);
  });
});

describe('in the folder there is', () => {
  const foreign: Record<string, (path: string) => Promise<unknown>> = {
    'a file of another name': (path) => writeFile(path, 'notes'),
    'a folder of another name': (path) => mkdir(path),
  };
  for (const [what, make] of Object.entries(foreign)) {
    for (const name of [
      'README',
      '.hidden',
      'lost+found',
      'x.seg',
      '1.seg',
      '0000000000000002.seg~',
      'lock',
      'line\nbreak',
    ]) {
      it(`${what}, ${JSON.stringify(name)}: it is named and left alone`, async () => {
        const { directory } = await copy();
        await make(join(directory, name));
        const { faults } = await delivers(directory, ALL, name);
        assert.ok(
          faults.some(({ message }) => message.includes(JSON.stringify(name))),
          JSON.stringify(faults),
        );
        assert.ok((await readdir(directory)).includes(name));
      });
    }
  }

  it('a folder with the name of a segment', async () => {
    const { directory } = await copy();
    const path = join(directory, name(9));
    await mkdir(path);
    const { faults } = await delivers(directory, ALL, 'a folder');
    assert.ok(faults.some(names(path)), JSON.stringify(faults));
    assert.ok((await stat(path)).isDirectory());
  });

  it('a link with the name of a segment: what is behind it stays as it is', async () => {
    const { directory } = await copy();
    const target = join(directory, '..', `${basename(directory)}-target`);
    await writeFile(target, 'of somebody else');
    const path = join(directory, name(9));
    await symlink(target, path);
    const { faults } = await delivers(directory, ALL, 'a link');
    assert.ok(faults.some(names(path)), JSON.stringify(faults));
    assert.equal(await readFile(target, 'utf8'), 'of somebody else');
  });

  it('a link to nothing with the name of a segment', async () => {
    const { directory } = await copy();
    const path = join(directory, name(9));
    await symlink(join(root, 'nothing'), path);
    const { faults } = await delivers(directory, ALL, 'a link');
    assert.ok(faults.some(names(path)), JSON.stringify(faults));
  });

  const asRoot = process.getuid?.() === 0 && 'root may read everything';
  it('a segment that may not be read: it is named, and delivered when it may', { skip: asRoot }, async () => {
    const { directory, path } = await copy();
    await chmod(path, 0);
    const { queue, faults } = await open(directory);
    assert.ok(faults.some(names(path)), JSON.stringify(faults));
    assert.equal(queue.stats().batches, ALL.length - MIDDLE.length + 1);
    await chmod(path, 0o600);
    assert.deepEqual(await readNumbers(queue), ALL);
    await queue.close();
  });

  it('a segment of the highest number there can be', async () => {
    const { directory, path } = await copy();
    await copyFile(path, join(directory, '9007199254740991.seg'));
    await copyFile(path, join(directory, '9999999999999999.seg'));
    const { numbers } = await deliver(directory);
    assert.deepEqual(numbers.slice(0, ALL.length), ALL);
  });
});

/** Runs it for all numbers below `count`, some at a time. */
async function atOnce(count: number, run: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const runAll = async () => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: 8 }, runAll));
}

/** The one that has this byte of the segment in the middle. */
function batchesAt(offset: number): number[] {
  const index = Math.floor((offset - SEGMENT_HEADER_BYTES) / RECORD_BYTES);
  return MIDDLE.slice(index, index + 1).filter(() => index >= 0);
}

/** Starts, reads all, appends one, and starts again, with the same result, and nothing that is reported again. */
async function delivers(directory: string, numbers: readonly number[], what: string): Promise<Delivered> {
  const first = await deliver(directory);
  assert.deepEqual(first.numbers, numbers, what);
  const second = await deliver(directory);
  assert.deepEqual(second.numbers, [...numbers, 100], `${what}, once more`);
  assert.deepEqual(second.drops, [], `${what}, once more`);
  return first;
}

/** What is missing is one of these, and named, and nothing else is. */
async function losesAtMost(
  directory: string,
  damaged: readonly number[],
  what: string,
  { silently = false } = {},
): Promise<void> {
  const { numbers, drops, faults } = await deliver(directory);
  const missing = ALL.filter((number) => !numbers.includes(number));
  assert.deepEqual(numbers, without(missing), what);
  assert.ok(
    missing.every((number) => damaged.includes(number)),
    `${what}: ${missing.join(' ')} are missing`,
  );
  if (!silently) {
    const lost = drops.reduce((sum, { batches }) => sum + batches, 0);
    assert.equal(lost, missing.length, `${what}: ${JSON.stringify(drops)}`);
    assert.ok(
      drops.every(({ reason }) => reason === 'corrupt'),
      what,
    );
    if (missing.length > 0) assert.ok(faults.length > 0, what);
  }
  const again = await deliver(directory);
  assert.deepEqual(again.numbers, [...numbers, 100], `${what}, once more`);
  assert.deepEqual(again.drops, [], `${what}, once more`);
}

interface Delivered {
  readonly numbers: readonly number[];
  readonly drops: readonly QueueDrop[];
  readonly faults: readonly QueueFault[];
}

async function deliver(directory: string): Promise<Delivered> {
  const { queue, drops, faults } = await open(directory);
  const numbers = await readNumbers(queue);
  assert.equal(queue.stats().batches, numbers.length);
  assert.deepEqual(await queue.append(createBatch(100)), { onDisk: true });
  await queue.close();
  return { numbers, drops, faults };
}

async function readNumbers(queue: Queue): Promise<number[]> {
  const numbers: number[] = [];
  for (let from = 0; ;) {
    const entry = await queue.read(from);
    if (entry === undefined) return numbers;
    from = entry.number + 1;
    const { timeMs: number } = entry.batch;
    assert.deepEqual({ ...entry.batch, payload: Buffer.from(entry.batch.payload) }, createBatch(number));
    numbers.push(number);
  }
}

async function open(directory: string): Promise<{ queue: Queue; drops: QueueDrop[]; faults: QueueFault[] }> {
  const drops: QueueDrop[] = [];
  const faults: QueueFault[] = [];
  const queue = await openQueue(
    {
      directory,
      bytesMax: 1_000_000,
      batchesMax: 1000,
      fsync: 'never',
      onDrop: (drop) => drops.push(drop),
      onFault: (fault) => faults.push(fault),
    },
    // A queue that reckons with another header for what it appends has room for them, and not for one more.
    { segmentBytes: SEGMENT_BYTES + SEGMENT_HEADER_BYTES },
  );
  return { queue, drops, faults };
}

function createBatch(number: number) {
  return { timeMs: number, points: number + 1, payload: Buffer.alloc(PAYLOAD_BYTES, number + 1) };
}

let copies = 0;
/** A folder as it was, and the segment in it that is to be damaged. */
async function copy(): Promise<{ directory: string; path: string }> {
  const directory = join(root, `copy-${copies++}`);
  await mkdir(directory);
  for (const segment of segments) await copyFile(join(pristine, segment), join(directory, segment));
  return { directory, path: join(directory, segmentAt(1)) };
}

async function change(path: string, damage: (bytes: Buffer) => unknown): Promise<void> {
  const bytes = await readFile(path);
  damage(bytes);
  await writeFile(path, bytes);
}

function segmentAt(index: number): string {
  return segments[index] ?? assert.fail();
}

function name(number: number): string {
  return `${String(number).padStart(16, '0')}.seg`;
}

function recordAt(bytes: Buffer, index: number): Buffer {
  const offset = SEGMENT_HEADER_BYTES + index * RECORD_BYTES;
  return bytes.subarray(offset, offset + RECORD_BYTES);
}

/** With some bytes that look like the start of a batch. */
function fillGarbage(bytes: Buffer): Buffer {
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = (index * 89 + 7) % 256;
  for (let index = 20; index + 4 < bytes.length; index += 50) bytes.write('mgqB', index, 'latin1');
  return bytes;
}

function without(missing: readonly number[]): number[] {
  return ALL.filter((number) => !missing.includes(number));
}

function names(path: string): (fault: QueueFault) => boolean {
  return ({ message }) => message.includes(path);
}
