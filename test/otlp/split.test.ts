import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeExportMetricsRequest } from '../../src/otlp/decode.ts';
import { splitRequest } from '../../src/otlp/split.ts';
import { snapshotRows } from '../exposition/hostile-rows.ts';
import { runs } from '../exposition/runs.ts';
import { toSnapshot } from '../exposition/snapshot.ts';
import { encodedBytes } from './encoded.ts';
import { encodeMessage } from './messages.ts';
import { pointsOf } from './points.ts';
import { cumulative, double, fixed32, fixed64, keyValue, message, string, varint, type Bytes } from './wire.ts';

const bytesOf = (...parts: Bytes[]): Uint8Array => Uint8Array.from(parts.flat());

/** As far as it goes: in the order of the points. */
function splitAll(bytes: Uint8Array): Uint8Array[] {
  const halves = splitRequest(bytes);
  return halves === undefined ? [bytes] : halves.flatMap((half) => splitAll(half.bytes));
}

describe('the halves of a request', () => {
  it('have every point once, in order, with all that was around it', () => {
    fc.assert(
      fc.property(fc.array(snapshotRows, { maxLength: 3 }), (rows) => {
        const bytes = encodedBytes(...rows.map(toSnapshot));
        const all = pointsOf(bytes);
        const halves = splitRequest(bytes);
        assert.equal(halves === undefined, all.length < 2);
        if (halves === undefined) return;
        assert.deepEqual(
          halves.flatMap((half) => pointsOf(half.bytes)),
          all,
        );
        for (const half of halves) {
          assert.equal(half.points, pointsOf(half.bytes).length);
          assert.ok(half.points > 0 && half.bytes.length < bytes.length);
          decodeExportMetricsRequest(half.bytes);
        }
      }),
      runs({ short: 300, long: 20_000 }),
    );
  });

  it('can be split until each has one point', () => {
    fc.assert(
      fc.property(snapshotRows, (rows) => {
        const bytes = encodedBytes(toSnapshot(rows));
        const all = pointsOf(bytes);
        const parts = splitAll(bytes).map(pointsOf);
        assert.deepEqual(parts, all.length === 0 ? [[]] : all.map((point) => [point]));
      }),
    );
  });

  it('are of about half of the bytes', () => {
    const sizes = [...Array.from({ length: 200 }, () => 10), 1_000, ...Array.from({ length: 100 }, () => 10)];
    const dataPoints = sizes.map((size) => ({ asDouble: 1, attributes: [{ key: 'x'.repeat(size) }] }));
    const request = { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'm', gauge: { dataPoints } }] }] }] };
    const [first, second] = splitRequest(encodeMessage('ExportMetricsServiceRequest', request)) ?? assert.fail();
    assert.ok(Math.abs(first.bytes.length - second.bytes.length) <= 1_100);
  });

  it('have what is unknown, and what this program never writes, as it was', () => {
    const unknown = [varint(100, 2n ** 63n), fixed64(101, 7n), string(102, 'x'), fixed32(103)].flat();
    const point = (value: number): Bytes => message(1, double(4, value), varint(8, 1), unknown);
    const around = (...points: Bytes[]): Bytes => {
      const metric = message(
        2,
        string(1, 'm'),
        message(7, unknown, ...points, cumulative),
        keyValue(12, 'k', string(1, 'v')),
      );
      const scope = message(1, keyValue(3, 'a', string(1, 'b')), varint(4, 2));
      const resource = message(1, varint(2, 5));
      return [...unknown, ...message(1, resource, message(2, scope, metric, unknown), string(3, 'url')), ...unknown];
    };
    const [first, second] = splitRequest(bytesOf(around(point(1), point(2), point(3)))) ?? assert.fail();
    assert.deepEqual(first.bytes, bytesOf(around(point(1))));
    assert.deepEqual(second.bytes, bytesOf(around(point(2), point(3))));
  });

  it('are without what has no points around it', () => {
    const metric = (name: string, ...points: Bytes[]): Bytes => message(2, string(1, name), message(5, ...points));
    const [one, two] = [message(1, double(4, 1)), message(1, double(4, 2))];
    const halves = splitRequest(
      bytesOf(
        message(1, message(2, metric('a', one), metric('empty'))),
        message(1),
        message(1, message(2, metric('b', two))),
      ),
    );
    const [first, second] = halves ?? assert.fail();
    assert.deepEqual(first.bytes, bytesOf(message(1, message(2, metric('a', one)))));
    assert.deepEqual(second.bytes, bytesOf(message(1, message(2, metric('b', two)))));
  });
});

describe('what cannot be split', () => {
  const cases: Record<string, Uint8Array> = {
    nothing: new Uint8Array(0),
    'one point': bytesOf(message(1, message(2, message(2, message(5, message(1, double(4, 1))))))),
    'bytes that are no request': Buffer.from('<html>502 Bad Gateway</html>'),
    'a request that is cut off': bytesOf(
      message(1, message(2, message(2, message(5, message(1), message(1))))),
    ).subarray(0, -1),
    'a request with a number for a message': bytesOf(varint(1, 1)),
  };
  for (const [what, bytes] of Object.entries(cases)) {
    it(`is ${what}`, () => assert.equal(splitRequest(bytes), undefined));
  }
});
