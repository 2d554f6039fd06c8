import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ByteWriter } from '../../src/std/byte-writer.ts';
import { beginMessage, bytesField, endMessage } from '../../src/std/protobuf-fields.ts';

describe('a message', () => {
  const lengths = [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152];
  for (const lengthBytes of [1, 2, 3, 4, 5]) {
    it(`has its length in as few bytes as it takes where it was begun with ${lengthBytes}`, () => {
      for (const length of lengths) {
        const [guessed, known] = [new ByteWriter(1), new ByteWriter(1)];
        const content = Uint8Array.from({ length }, (_, i) => i);
        for (const out of [guessed, known]) bytesField(out, 9, Uint8Array.of(1, 2));
        const begin = beginMessage(guessed, 3, lengthBytes);
        guessed.reserve(length);
        guessed.bytes.set(content, guessed.length);
        guessed.length += length;
        const taken = endMessage(guessed, begin, lengthBytes);
        bytesField(known, 3, content);
        assert.equal(taken, known.length - length - 5);
        for (const out of [guessed, known]) bytesField(out, 9, Uint8Array.of(3));
        assert.ok(guessed.take().equals(known.take()), `${length} bytes`);
      }
    });
  }
});
