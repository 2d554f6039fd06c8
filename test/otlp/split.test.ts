import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeExportMetricsRequest } from '../../src/otlp/decode.ts';
import { BEGINNING, splitOff, type Piece, type Place, type SplitOptions } from '../../src/otlp/split.ts';
import { snapshotRows } from '../exposition/hostile-rows.ts';
import { runs } from '../exposition/runs.ts';
import { toSnapshot } from '../exposition/snapshot.ts';
import { encodedBytes } from './encoded.ts';
import { decodeMessage, encodeMessage } from './messages.ts';
import { pointsOf } from './points.ts';
import { cumulative, double, fixed32, fixed64, keyValue, message, string, varint, type Bytes } from './wire.ts';

const bytesOf = (...parts: Bytes[]): Uint8Array => Uint8Array.from(parts.flat());

/** With how often it let others have their turn. */
function split(request: Uint8Array, from: Place, options: SplitOptions): { piece: Piece | undefined; turns: number } {
  const work = splitOff(request, from, options);
  for (let turns = 0; ; turns++) {
    const { done, value } = work.next();
    if (done === true) return { piece: value, turns };
  }
}

function piecesOf(bytes: Uint8Array, options: SplitOptions): Piece[] {
  const pieces: Piece[] = [];
  for (let from: Place | undefined = BEGINNING; from !== undefined;) {
    const { piece } = split(bytes, from, options);
    if (piece !== undefined) pieces.push(piece);
    assert.ok(pieces.length <= bytes.length);
    from = piece?.end;
  }
  return pieces;
}

/** As far as it goes, each time at a little more than the half: in the order of the points. */
function halvesOf(bytes: Uint8Array): Uint8Array[] {
  const [first, ...others] = piecesOf(bytes, { bytesMax: bytes.length, share: 0.6 });
  if (first === undefined || others.length === 0) return first === undefined ? [] : [first.bytes];
  return [first, ...others].flatMap((half) => halvesOf(half.bytes));
}

/** As another library writes it: what is around points stands behind them. Ids become other bytes. */
const rewritten = (bytes: Uint8Array): Uint8Array =>
  encodeMessage('ExportMetricsServiceRequest', decodeMessage('ExportMetricsServiceRequest', bytes));

describe('the pieces of a request', () => {
  it('have every point once, in order, with all that was around it, and are no longer than they may be', () => {
    fc.assert(
      fc.property(
        fc.array(snapshotRows, { maxLength: 3 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 1_500 }),
        (rows, isForeign, bytesMax) => {
          const own = encodedBytes(...rows.map(toSnapshot));
          const bytes = isForeign ? rewritten(own) : own;
          const pieces = piecesOf(bytes, { bytesMax });
          const points = pieces.map((piece) => pointsOf(piece.bytes));
          assert.deepEqual(points.flat(), pointsOf(bytes));
          for (const [i, piece] of pieces.entries()) {
            assert.equal(piece.points, points[i]?.length);
            assert.ok(piece.bytes.length <= bytesMax || piece.points === 1);
            if (!isForeign) decodeExportMetricsRequest(piece.bytes);
          }
        },
      ),
      runs({ short: 150, long: 20_000 }),
    );
  });

  it('are one, the same, if all of it has room to the byte, and else are more', () => {
    fc.assert(
      fc.property(snapshotRows, (rows) => {
        const bytes = encodedBytes(toSnapshot(rows));
        const all = pointsOf(bytes).length;
        const [whole] = piecesOf(bytes, { bytesMax: bytes.length });
        assert.deepEqual(Buffer.from(whole?.bytes ?? []), Buffer.from(bytes));
        assert.equal(piecesOf(bytes, { bytesMax: bytes.length - 1 }).length, Math.min(all, 2));
      }),
    );
  });

  it('can be halved until each has one point', () => {
    fc.assert(
      fc.property(snapshotRows, (rows) => {
        const bytes = encodedBytes(toSnapshot(rows));
        const parts = halvesOf(bytes).map(pointsOf);
        assert.deepEqual(
          parts,
          pointsOf(bytes).map((point) => [point]),
        );
      }),
    );
  });

  it('are halved by their points, however much there is around them', () => {
    const dataPoints = Array.from({ length: 100 }, (_, i) => ({ asDouble: i, timeUnixNano: '1' }));
    const resource = { attributes: [{ key: 'x'.repeat(100_000) }] };
    const request = { resourceMetrics: [{ resource, scopeMetrics: [{ metrics: [{ gauge: { dataPoints } }] }] }] };
    const bytes = encodeMessage('ExportMetricsServiceRequest', request);
    const pieces = piecesOf(bytes, { bytesMax: bytes.length, share: 0.6 });
    // With their points the messages around them have longer lengths: it is not quite 60.
    assert.deepEqual(
      pieces.map(({ points }) => points),
      [59, 41],
    );
  });

  it('have what is unknown, and what this program never writes, before their points', () => {
    const unknown = [varint(100, 2n ** 63n), fixed64(101, 7n), string(102, 'x'), fixed32(103)].flat();
    const point = (value: number): Bytes => message(1, double(4, value), varint(8, 1), unknown);
    const scope = message(1, keyValue(3, 'a', string(1, 'b')), varint(4, 2));
    const resource = message(1, varint(2, 5));
    const [name, metadata] = [string(1, 'm'), keyValue(12, 'k', string(1, 'v'))];
    const whole = bytesOf(
      unknown,
      message(
        1,
        message(
          2,
          message(2, name, message(7, point(1), unknown, point(2), point(3), cumulative), metadata),
          unknown,
          scope,
        ),
        resource,
        string(3, 'url'),
      ),
      unknown,
    );
    const around = (...points: Bytes[]): Uint8Array => {
      const metric = message(2, name, metadata, message(7, unknown, cumulative, ...points));
      return bytesOf(unknown, unknown, message(1, resource, string(3, 'url'), message(2, unknown, scope, metric)));
    };
    const { length: bytesMax } = around(point(1), point(2));
    const pieces = piecesOf(whole, { bytesMax }).map(({ bytes }) => Uint8Array.from(bytes));
    assert.deepEqual(pieces, [around(point(1), point(2)), around(point(3))]);
  });

  it('are without what has no points around it', () => {
    const metric = (name: string, ...points: Bytes[]): Bytes => message(2, string(1, name), message(5, ...points));
    const [one, two] = [message(1, double(4, 1)), message(1, double(4, 2))];
    const whole = bytesOf(
      message(1, message(2, metric('a', one), metric('empty'))),
      message(1),
      message(1, message(2, metric('b', two))),
      message(1, message(2)),
    );
    const pieces = piecesOf(whole, { bytesMax: 1 }).map(({ bytes }) => Uint8Array.from(bytes));
    assert.deepEqual(pieces, [
      bytesOf(message(1, message(2, metric('a', one)))),
      bytesOf(message(1, message(2, metric('b', two)))),
    ]);
  });
});

describe('others have their turn all along, whatever it is that makes a request long:', () => {
  const dataPoints = Array.from({ length: 30_000 }, (_, i) => ({ asDouble: i, timeUnixNano: '1' }));
  const few = dataPoints.slice(0, 10);
  const long = [{ key: 'x'.repeat(100_000) }];
  const gauge = { dataPoints: few };
  // The points and metrics are looked at twice, and what is in them is copied.
  const cases: Record<string, { readonly resourceMetrics: object; readonly turnsMin: number }> = {
    'many small points': {
      resourceMetrics: { scopeMetrics: [{ metrics: [{ gauge: { dataPoints } }] }] },
      turnsMin: 30,
    },
    'few large points': {
      resourceMetrics: {
        scopeMetrics: [{ metrics: [{ gauge: { dataPoints: few.map((point) => ({ ...point, attributes: long })) } }] }],
      },
      turnsMin: 8,
    },
    'many metrics': {
      resourceMetrics: {
        scopeMetrics: [{ metrics: dataPoints.slice(0, 10_000).map((point) => ({ gauge: { dataPoints: [point] } })) }],
      },
      turnsMin: 40,
    },
    'metrics without points': {
      resourceMetrics: {
        scopeMetrics: [{ metrics: [...dataPoints.map((_, i) => ({ name: `metric.${i}` })), { gauge }] }],
      },
      turnsMin: 30,
    },
    'large attributes': {
      resourceMetrics: { resource: { attributes: few.flatMap(() => long) }, scopeMetrics: [{ metrics: [{ gauge }] }] },
      turnsMin: 8,
    },
  };
  for (const [what, { resourceMetrics, turnsMin }] of Object.entries(cases)) {
    it(what, () => {
      const bytes = encodeMessage('ExportMetricsServiceRequest', { resourceMetrics: [resourceMetrics] });
      const { piece, turns } = split(bytes, BEGINNING, { bytesMax: Infinity });
      assert.ok(piece !== undefined);
      assert.ok(turns >= turnsMin, `${turns} turns`);
    });
  }
});

describe('what has no pieces', () => {
  const cases: Record<string, Uint8Array> = {
    nothing: new Uint8Array(0),
    'a request without points': bytesOf(message(1, message(2, message(2, string(1, 'm'), message(5))))),
    'bytes that are no request': Buffer.from('<html>502 Bad Gateway</html>'),
    'a request that is cut off': bytesOf(
      message(1, message(2, message(2, message(5, message(1), message(1))))),
    ).subarray(0, -1),
    'a request with a number for a message': bytesOf(varint(1, 1)),
  };
  for (const [what, bytes] of Object.entries(cases)) {
    it(`is ${what}`, () => assert.deepEqual(piecesOf(bytes, { bytesMax: 1 }), []));
  }
});
