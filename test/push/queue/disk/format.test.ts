import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  decodeRecordHeader,
  decodeSegmentHeader,
  DONE_OFFSET,
  encodeBatchHeader,
  encodeDone,
  encodeRecordHeader,
  encodeSegmentHeader,
  FORMAT_VERSION,
  seedOf,
} from '../../../../src/push/queue/disk/format.ts';

const headers = fc.record(
  {
    payloadBytes: fc.nat(2 ** 32 - 1),
    payloadCrc: fc.nat(2 ** 32 - 1),
    timeMs: fc.double({ noNaN: true }),
    points: fc.nat(2 ** 32 - 1),
    done: fc.boolean(),
  },
  { noNullPrototype: true },
);

const seed = seedOf('0000000000012345.seg');

describe('the format of a segment', () => {
  // Files of a version that is out there must be readable for ever: this may not change without another version. The bytes are of Python's
  // struct and zlib.
  it('is, byte for byte', () => {
    assert.equal(encodeSegmentHeader().toString('hex'), '6d677131f7df88a90100000000000000');
    const batch = { timeMs: 1_700_000_000_123, points: 7, payload: Buffer.from('123456789') };
    assert.equal(
      encodeBatchHeader(batch, seedOf('0000000000000001.seg')).toString('hex'),
      '6d67714214dea0eb090000002639f4cb00b08756febc78420700000000000000',
    );
  });

  it('gives back what was put in', () => {
    assert.equal(decodeSegmentHeader(encodeSegmentHeader()), FORMAT_VERSION);
    fc.assert(
      fc.property(headers, (header) =>
        assert.deepEqual(decodeRecordHeader(encodeRecordHeader(header, seed), seed), header),
      ),
    );
  });

  it('knows of each bit that flips, but that of a batch that is done, which is waiting then', () => {
    fc.assert(
      fc.property(headers, fc.nat(32 * 8 - 1), (header, bit) => {
        const bytes = encodeRecordHeader(header, seed);
        const byte = bit >> 3;
        bytes[byte] = (bytes[byte] ?? 0) ^ (1 << (bit & 7));
        const expected = byte < DONE_OFFSET ? undefined : { ...header, done: header.done && byte !== DONE_OFFSET };
        assert.deepEqual(decodeRecordHeader(bytes, seed), expected);
      }),
    );
    const segment = encodeSegmentHeader();
    for (let bit = 0; bit < segment.length * 8; bit++) {
      const bytes = Buffer.from(segment);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(decodeSegmentHeader(bytes), undefined);
    }
  });

  it('is not valid in another file', () => {
    fc.assert(
      fc.property(headers, (header) => {
        const bytes = encodeRecordHeader(header, seed);
        assert.equal(decodeRecordHeader(bytes, seedOf('0000000000012346.seg')), undefined);
      }),
    );
  });

  it('has one byte that says that a batch is done', () => {
    const header = { payloadBytes: 1, payloadCrc: 2, timeMs: 3, points: 4, done: false };
    const bytes = encodeRecordHeader(header, seed);
    bytes.set(encodeDone(), DONE_OFFSET);
    assert.deepEqual(decodeRecordHeader(bytes, seed), { ...header, done: true });
  });

  it('is nothing where there are too few bytes', () => {
    const bytes = encodeRecordHeader({ payloadBytes: 1, payloadCrc: 2, timeMs: 3, points: 4, done: false }, seed);
    assert.equal(decodeRecordHeader(bytes.subarray(0, 31), seed), undefined);
    assert.equal(decodeRecordHeader(bytes, seed, 1), undefined);
    assert.equal(decodeSegmentHeader(encodeSegmentHeader().subarray(0, 15)), undefined);
  });
});
