import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { metricName, type NameParts } from '../../src/exposition/names.ts';
import { catalogue, type InstrumentDefinition } from '../../src/telemetry/catalogue.ts';

const instruments: readonly [string, InstrumentDefinition][] = Object.entries(catalogue);
const UNITS = ['', '1', 's', 'By', 'Hz', 'W', 'J', 'Cel'];
const ANNOTATION = /^\{[a-z]+(_[a-z]+)*\}$/;

/** Lower case words in namespaces, as the semantic conventions have them; the API's own rule for names is wider. */
const NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*(\.[a-z][a-z0-9]*(_[a-z0-9]+)*)*$/;

describe('the catalogue', () => {
  for (const [name, { kind, unit, description, attributes, bounds }] of instruments) {
    it(`${name} is well described`, () => {
      assert.match(name, NAME);
      assert.ok(name.length <= 255);
      assert.ok(UNITS.includes(unit) || ANNOTATION.test(unit), `unit ${unit}`);
      assert.match(description, /^[A-Z\d][^\n]*[^.\s]$/);
      assert.deepEqual([...new Set<string>(attributes)], attributes);
      for (const attribute of attributes) assert.match(attribute, NAME);
      assert.equal(bounds !== undefined, kind === 'histogram');
      assert.deepEqual(
        [...new Set(bounds)].sort((a, b) => a - b),
        bounds ?? [],
      );
      assert.ok((bounds ?? []).every((bound) => bound > 0 && Number.isFinite(bound)));
    });
  }

  it('keeps to the namespaces of the semantic conventions and to two of its own', () => {
    const conventional = ['http.server', 'system', 'container', 'process', 'nodejs', 'v8js', 'hw'];
    const known = [...conventional, 'inference', 'metergate'];
    const strangers = instruments.filter(([name]) => !known.some((namespace) => name.startsWith(`${namespace}.`)));
    assert.deepEqual(strangers, []);
  });

  it('has shares and flags as gauges, which nobody adds up, and what is added up as counters', () => {
    for (const [name, { kind, unit }] of instruments) {
      // hw.status is what the conventions say: an up-down counter, as long as there are no state sets.
      if (unit === '1' && name !== 'hw.status') assert.equal(kind, 'observable_gauge', name);
      if (unit === 'J') assert.equal(kind, 'observable_counter', name);
      if (['Hz', 'W', 'Cel'].includes(unit)) assert.equal(kind, 'observable_gauge', name);
    }
  });

  it('has no two instruments that want one sample name of Prometheus', () => {
    const samples = instruments.flatMap(([name, { unit, kind }]) => {
      const family = metricName({ name, unit, kind: kind.replace('observable_', '') as NameParts['kind'] });
      return kind === 'histogram' ? ['', '_bucket', '_sum', '_count'].map((suffix) => family + suffix) : [family];
    });
    assert.deepEqual([...new Set(samples)], samples);
  });
});
