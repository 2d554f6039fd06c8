import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AttributeValue, Attributes } from '../../src/metric/model.ts';
import { gauge, histogram, oneScope, quantiles, rows, summariseFamilies } from './family-rows.ts';
import type { SnapshotRows } from './snapshot.ts';

const cases: Record<string, { in: SnapshotRows; families: string[] }> = {
  'joins values of keys that become one label, in order of the keys': {
    in: oneScope(gauge('a', { points: rows({ k_1: 'c', 'k.1': 'b', 'k-1': 'a' }, { 'k.1': 'b' }) })),
    families: ['gauge a {k_1=a;b;c} {k_1=b}'],
  },
  'tells label sets apart whose values only look alike when run together': {
    in: oneScope(
      gauge('a', {
        points: rows({ x: '1,y=2' }, { x: '1', y: '2' }, { x: '1\0y\0' + '2' }, { x: '1\ud800y\ud800' + '2' }),
      }),
    ),
    families: ['gauge a {x=1,y=2} {x=1,y=2} {x=1\0y\0' + '2} {x=1\ufffdy\ufffd2}'],
  },
  'moves an attribute le of a histogram, and only there, out of the way': {
    in: oneScope(
      histogram('h', {
        points: [{ attributes: { le: 'x', exported_le: 'w' }, bounds: [], buckets: [1] }],
      }),
      gauge('g', { points: rows({ le: 'x' }) }),
    ),
    families: ['histogram h {exported_le=w;x}', 'gauge g {le=x}'],
  },
  'moves an attribute quantile of a summary, and only there, out of the way': {
    in: oneScope(
      quantiles('s', { points: [{ attributes: { quantile: 'x', le: 'y' }, quantiles: [], values: [], count: 1 }] }),
      histogram('h', { points: [{ attributes: { quantile: 'x' }, bounds: [], buckets: [1] }] }),
    ),
    families: ['summary s {exported_quantile=x,le=y}', 'histogram h {quantile=x}'],
  },
  'moves attributes out of the way of the labels of the scope': {
    in: {
      scopes: [
        {
          scope: { name: 's' },
          metrics: [gauge('a', { points: rows({ 'otel.scope.name': 'x', otel_scope_version: 'y', otel_scope: 'z' }) })],
        },
      ],
    },
    families: ['gauge a {exported_otel_scope_name=x,exported_otel_scope_version=y,otel_scope=z,otel_scope_name=s}'],
  },
  'drops attributes without a key or a value': {
    in: oneScope(
      gauge('a', { points: rows({ '': 'x', b: undefined, c: null as unknown as AttributeValue, d: '', e: 'f' }) }),
    ),
    families: ['gauge a {e=f}'],
  },
  'writes values that are not strings as JSON': {
    in: oneScope(
      gauge('a', {
        points: rows({ a: 1.5, b: true, c: ['x', 1, null, NaN], d: NaN, e: -Infinity, f: 1e21, g: [], h: '"x"' }),
      }),
    ),
    families: ['gauge a {a=1.5,b=true,c=["x",1,null,"NaN"],d=NaN,e=-Infinity,f=1e+21,g=[],h="x"}'],
  },
  'writes maps and bytes, which the SDK lets through, as JSON and base64': {
    in: oneScope(gauge('a', { points: rows({ b: { c: Infinity }, d: Uint8Array.of(1, 2) } as unknown as Attributes) })),
    families: ['gauge a {b={"c":"Infinity"},d=AQI=}'],
  },
};

describe('labels', () => {
  for (const [behaviour, { in: given, families }] of Object.entries(cases)) {
    it(behaviour, () => assert.deepEqual(summariseFamilies(given), { families, dropped: [] }));
  }
});
