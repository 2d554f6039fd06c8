import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isClassicLabel, isClassicName } from '../../src/exposition/escaping.ts';
import {
  labelName,
  metricName,
  translateName,
  type NameParts,
  type TranslationStrategy,
} from '../../src/exposition/names.ts';

type Case = [in_: NameParts, out: string];

const gauge = (name: string, unit = ''): NameParts => ({ name, unit, kind: 'gauge' });
const counter = (name: string, unit = ''): NameParts => ({ name, unit, kind: 'counter' });
const histogram = (name: string, unit = ''): NameParts => ({ name, unit, kind: 'histogram' });

const metricCases: Record<string, Case[]> = {
  'replaces discouraged characters and collapses runs of _': [
    [gauge('http.server-open/now'), 'http_server_open_now'],
    [gauge('a__b..c'), 'a_b_c'],
    [gauge('_a_'), 'a'],
    [gauge('größe.der.datei'), 'gr_e_der_datei'],
    [gauge('ns:a.b'), 'ns:a_b'],
  ],
  'puts _ before a leading digit': [[gauge('3d.points'), '_3d_points']],
  'appends the word of a UCUM unit': [
    [histogram('http.server.request.duration', 's'), 'http_server_request_duration_seconds'],
    [gauge('x', 'd'), 'x_days'],
    [gauge('x', 'h'), 'x_hours'],
    [gauge('x', 'min'), 'x_minutes'],
    [gauge('x', 'ms'), 'x_milliseconds'],
    [gauge('x', 'us'), 'x_microseconds'],
    [gauge('x', 'ns'), 'x_nanoseconds'],
    [gauge('x', 'By'), 'x_bytes'],
    [gauge('x', 'KiBy'), 'x_kibibytes'],
    [gauge('x', 'MiBy'), 'x_mebibytes'],
    [gauge('x', 'GiBy'), 'x_gibibytes'],
    [gauge('x', 'TiBy'), 'x_tebibytes'],
    [gauge('x', 'kBy'), 'x_kilobytes'],
    [gauge('x', 'KBy'), 'x_kilobytes'],
    [gauge('x', 'MBy'), 'x_megabytes'],
    [gauge('x', 'GBy'), 'x_gigabytes'],
    [gauge('x', 'TBy'), 'x_terabytes'],
    [gauge('x', 'm'), 'x_meters'],
    [gauge('x', 'V'), 'x_volts'],
    [gauge('x', 'A'), 'x_amperes'],
    [gauge('x', 'J'), 'x_joules'],
    [gauge('x', 'W'), 'x_watts'],
    [gauge('x', 'g'), 'x_grams'],
    [gauge('x', 'Cel'), 'x_celsius'],
    [gauge('x', 'Hz'), 'x_hertz'],
    [gauge('x', '%'), 'x_percent'],
  ],
  'appends a unit that the table does not know as it is, in allowed characters': [
    [gauge('x', 'widgets'), 'x_widgets'],
    [gauge('x', 'kWh.m2'), 'x_kWh_m2'],
    [gauge('x', ' s '), 'x_seconds'],
    [gauge('x', '#'), 'x'],
    [counter('x', '(widgets)'), 'x_widgets_total'],
  ],
  'says rates in words': [
    [gauge('speed', 'm/s'), 'speed_meters_per_second'],
    [gauge('io', 'By/s'), 'io_bytes_per_second'],
    [gauge('io', '{request}/s'), 'io_per_second'],
    [gauge('io', '1/m'), 'io_per_minute'],
    [gauge('io', 'By/{request}'), 'io_bytes'],
    [gauge('io', 'By/'), 'io_bytes'],
  ],
  'drops annotations': [
    [counter('inference.requests', '{request}'), 'inference_requests_total'],
    [gauge('x', '{a/b}'), 'x'],
  ],
  'does not repeat a unit': [
    [histogram('request.duration.seconds', 's'), 'request_duration_seconds'],
    [counter('io.bytes.total', 'By'), 'io_bytes_total'],
    [gauge('seconds.before.noon', 's'), 'seconds_before_noon'],
    [gauge('io.bytes.per.second', 'By/s'), 'io_bytes_per_second'],
    [counter('hits_per_second_total', '1/s'), 'hits_per_second_total'],
    [gauge('bytes.read.per.second', 'By/s'), 'bytes_read_per_second'],
    [gauge('used.kWh.m2', 'kWh.m2'), 'used_kWh_m2'],
  ],
  'appends a unit of which only a part of a word is there': [[gauge('milliseconds', 's'), 'milliseconds_seconds']],
  'ends counters with _total, once': [
    [counter('requests'), 'requests_total'],
    [counter('requests.total'), 'requests_total'],
    [counter('total.requests', 's'), 'requests_seconds_total'],
    [counter('total'), 'total'],
    [{ name: 'queued.total', unit: '', kind: 'up_down_counter' }, 'queued_total'],
    [gauge('x.total'), 'x_total'],
  ],
  'ends gauges of unit 1, and nothing else, with _ratio, once': [
    [gauge('system.cpu.utilization', '1'), 'system_cpu_utilization_ratio'],
    [gauge('hit.ratio', '1'), 'hit_ratio'],
    [gauge('ratio.of.hits', '1'), 'of_hits_ratio'],
    [counter('requests', '1'), 'requests_total'],
    [histogram('share', '1'), 'share'],
    [{ name: 'open', unit: '1', kind: 'up_down_counter' }, 'open'],
  ],
  'gives no name where nothing is left of it': [
    [gauge(''), ''],
    [gauge('___', 's'), ''],
    [counter('请求', 's'), ''],
  ],
  'is not misled by names of Object.prototype': [[gauge('x', 'constructor'), 'x_constructor']],
};

const underscoresAlone: Record<string, Case[]> = {
  'replaces each run of discouraged characters by one _, and drops it at the ends': [
    [counter('foo.bar', 'By'), 'foo_bar'],
    [gauge('.http..server-/now!', '1'), 'http_server_now'],
    [gauge('größe'), 'gr_e'],
    [gauge('🙂.ns:a'), 'ns:a'],
  ],
  'leaves a classic name as it is': [
    [gauge('a__b'), 'a__b'],
    [gauge('_a_'), '_a_'],
    [gauge('a__b..c'), 'a__b_c'],
    [counter('x.total.y'), 'x_total_y'],
  ],
  'puts _ before a leading digit': [[gauge('3d.points'), '_3d_points']],
  'gives no name where nothing is left of it': [
    [gauge(''), ''],
    [gauge('请求'), ''],
    [gauge('_._'), ''],
    [gauge('___'), ''],
  ],
};

const utf8WithSuffixes: Record<string, Case[]> = {
  'keeps the name and appends the words of the unit and of the type with _': [
    [counter('foo.bar', 'By'), 'foo.bar_bytes_total'],
    [histogram('größe.🙂', 's'), 'größe.🙂_seconds'],
    [gauge('io', 'By/s'), 'io_bytes_per_second'],
    [gauge('system.cpu.utilization', '1'), 'system.cpu.utilization_ratio'],
    [histogram('share', '1'), 'share'],
    [gauge('3d..points', '{point}'), '3d..points'],
    [gauge('___', 's'), '____seconds'],
  ],
  'keeps the characters of a unit that the table does not know': [
    [gauge('x', 'kWh.m2'), 'x_kWh.m2'],
    [gauge('angle', '°/s'), 'angle_°_per_second'],
  ],
  'does not repeat an ending, whatever delimits it': [
    [histogram('request.duration.seconds', 's'), 'request.duration.seconds'],
    [counter('io.bytes.total', 'By'), 'io.bytes_total'],
    [counter('io-bytes_per_second·total', 'By/s'), 'io-bytes_per_second_total'],
    [gauge('io_per_second', 'By/s'), 'io_bytes_per_second'],
    [gauge('hit/ratio', '1'), 'hit_ratio'],
    [gauge('milliseconds', 's'), 'milliseconds'],
  ],
  'appends what is there only at another place': [
    [gauge('seconds.before.noon', 's'), 'seconds.before.noon_seconds'],
    [counter('total.requests'), 'total.requests_total'],
    [gauge('io.bytes.per.second', 'By/s'), 'io.bytes.per.second_bytes_per_second'],
  ],
  'takes no part of a word for an ending': [
    [counter('subtotal'), 'subtotal_total'],
    [counter('größtotal'), 'größtotal_total'],
    [counter('3total'), '3total_total'],
    [counter('e\u0301total'), 'e\u0301total_total'],
  ],
  'leaves something before the ending': [
    [counter('total'), 'total_total'],
    [counter('.total'), '.total_total'],
  ],
  'is well-formed': [[counter('a\ud800.total', 'b\udc00'), 'a\ufffd_b\ufffd_total']],
  'has no name for the empty name': [[counter('', 's'), '']],
};

const noTranslation: Record<string, Case[]> = {
  'keeps the name': [
    [counter('foo.bar', 'By'), 'foo.bar'],
    [gauge('3 größen "🙂"\n', '1'), '3 größen "🙂"\n'],
    [gauge('___'), '___'],
    [gauge(''), ''],
  ],
  'is well-formed': [[gauge('a\udc00'), 'a\ufffd']],
};

const unitCases: Record<string, [in_: NameParts, strategy: TranslationStrategy, unit: string][]> = {
  'is what the name ends with': [
    [gauge('x', 'By'), 'underscore_escaping_with_suffixes', 'bytes'],
    [gauge('x', 'By/s'), 'underscore_escaping_with_suffixes', 'bytes_per_second'],
    [gauge('x', '{request}/s'), 'underscore_escaping_with_suffixes', 'per_second'],
    [gauge('x', 'kWh.m2'), 'underscore_escaping_with_suffixes', 'kWh_m2'],
    [histogram('x.y', 's'), 'no_utf8_escaping_with_suffixes', 'seconds'],
    [gauge('x.seconds', 's'), 'underscore_escaping_without_suffixes', 'seconds'],
    [gauge('x_seconds', 's'), 'no_translation', 'seconds'],
  ],
  'is before the _total of a counter, and of nothing else': [
    [counter('x.y', 'By'), 'underscore_escaping_with_suffixes', 'bytes'],
    [counter('x.y', 'By'), 'no_utf8_escaping_with_suffixes', 'bytes'],
    [counter('x_bytes_total', 'By'), 'no_translation', 'bytes'],
    [gauge('x_bytes_total', 'By'), 'no_translation', ''],
  ],
  'is none where there is none': [
    [gauge('x'), 'underscore_escaping_with_suffixes', ''],
    [gauge('x', '1'), 'underscore_escaping_with_suffixes', ''],
    [counter('x', '{request}'), 'underscore_escaping_with_suffixes', ''],
    [gauge('', 's'), 'no_translation', ''],
  ],
  'is none where the name does not end with it': [
    [gauge('bytes.read', 'By'), 'underscore_escaping_with_suffixes', ''],
    [gauge('bytes', 'By'), 'underscore_escaping_with_suffixes', ''],
    [gauge('bytes.read', 'By/s'), 'underscore_escaping_with_suffixes', ''],
    [gauge('milliseconds', 's'), 'no_utf8_escaping_with_suffixes', ''],
    [gauge('x.seconds', 's'), 'no_utf8_escaping_with_suffixes', ''],
    [counter('x.y', 'By'), 'underscore_escaping_without_suffixes', ''],
    [counter('x.y', 'By'), 'no_translation', ''],
  ],
  'is none where it is not classic': [
    [gauge('x', 'kWh.m2'), 'no_utf8_escaping_with_suffixes', ''],
    [gauge('x', '°'), 'no_utf8_escaping_with_suffixes', ''],
  ],
};

const labelCases: Record<string, [key: string, name: string][]> = {
  'replaces each discouraged character by one _': [
    ['http.route', 'http_route'],
    ['a..b', 'a__b'],
    ['ns:a', 'ns_a'],
    ['größe', 'gr__e'],
    ['🙂', '_'],
  ],
  'puts key_ before a leading digit': [['1abc', 'key_1abc']],
  'keeps away from reserved names': [
    ['__name__', 'key__name__'],
    ['..x', 'key__x'],
    ['_x', '_x'],
  ],
  'has no name for the empty key': [['', '']],
};

const utf8LabelCases: Record<string, [key: string, name: string][]> = {
  'keeps the key': [
    ['http.route', 'http.route'],
    ['größe 🙂', 'größe 🙂'],
    ['1abc', '1abc'],
    ['ns:a', 'ns:a'],
    ['..x', '..x'],
    ['_x', '_x'],
  ],
  'is well-formed': [['a\ud800', 'a\ufffd']],
  'keeps away from reserved names': [['__name__', 'key__name__']],
  'has no name for the empty key': [['', '']],
};

const CLASSIC_STRATEGIES = ['underscore_escaping_with_suffixes', 'underscore_escaping_without_suffixes'] as const;
const UTF8_STRATEGIES = ['no_utf8_escaping_with_suffixes', 'no_translation'] as const;

const tables = {
  underscore_escaping_with_suffixes: metricCases,
  underscore_escaping_without_suffixes: underscoresAlone,
  no_utf8_escaping_with_suffixes: utf8WithSuffixes,
  no_translation: noTranslation,
} satisfies Record<TranslationStrategy, Record<string, Case[]>>;

const partsOf = (text: fc.Arbitrary<string>): fc.Arbitrary<NameParts> =>
  fc.record({ name: text, unit: text, kind: fc.constantFrom('counter', 'up_down_counter', 'gauge', 'histogram') });

/** Parts with what the rules look for, and any characters between; no unit says `total` or `ratio`, which would move. */
const WORDS = ['a', 'By', 's', 'bytes', 'seconds', 'per', 'second', '.', '_', '/', '3', ':', 'é', '🙂', '{b}'];
const telling = fc.array(fc.oneof(fc.constantFrom(...WORDS), fc.string({ unit: 'grapheme', maxLength: 2 })));
const tellingParts = fc.tuple(partsOf(telling.map((parts) => parts.join(''))), fc.constantFrom('', '.total', '_ratio'));
const anyText = fc.string({ unit: 'binary' });

describe('translateName', () => {
  for (const [strategy, table] of Object.entries(tables) as [TranslationStrategy, Record<string, Case[]>][]) {
    for (const [behaviour, cases] of Object.entries(table)) {
      it(`${behaviour} (${strategy})`, () => {
        for (const [parts, out] of cases) assert.equal(translateName(parts, strategy).name, out, JSON.stringify(parts));
      });
    }
    it(`says a name again as it is (${strategy})`, () => {
      fc.assert(
        fc.property(tellingParts, ([parts, ending]) => {
          const once = translateName({ ...parts, name: parts.name + ending }, strategy);
          assert.deepEqual(translateName({ ...parts, name: once.name }, strategy), once);
        }),
      );
    });
    it(`has a unit that the name ends with, or none (${strategy})`, () => {
      fc.assert(
        fc.property(tellingParts, ([parts]) => {
          const { name, unit } = translateName(parts, strategy);
          const stem = parts.kind === 'counter' ? name.replace(/_total$/, '') : name;
          assert.ok(unit === '' || (stem.endsWith(`_${unit}`) && isClassicName(`x${unit}`)), `${name} ${unit}`);
        }),
      );
    });
  }

  for (const [behaviour, cases] of Object.entries(unitCases)) {
    it(`has a unit that ${behaviour}`, () => {
      for (const [parts, strategy, unit] of cases) {
        assert.equal(translateName(parts, strategy).unit, unit, JSON.stringify([parts, strategy]));
      }
    });
  }

  it('is classic or empty by the strategies that escape, whatever it is given', () => {
    fc.assert(
      fc.property(partsOf(anyText), fc.constantFrom(...CLASSIC_STRATEGIES), (parts, strategy) => {
        const { name } = translateName(parts, strategy);
        assert.ok(name === '' || isClassicName(name), name);
      }),
    );
  });

  it('is well-formed by the others, and empty for the empty name only', () => {
    fc.assert(
      fc.property(partsOf(anyText), fc.constantFrom(...UTF8_STRATEGIES), (parts, strategy) => {
        const { name } = translateName(parts, strategy);
        assert.ok(name.isWellFormed());
        assert.equal(name === '', parts.name === '');
      }),
    );
  });
});

describe('metricName', () => {
  it('is the name by the default strategy', () => {
    fc.assert(
      fc.property(tellingParts, ([parts]) => {
        assert.equal(metricName(parts), translateName(parts, 'underscore_escaping_with_suffixes').name);
      }),
    );
  });
});

describe('labelName', () => {
  for (const strategy of CLASSIC_STRATEGIES) {
    for (const [behaviour, cases] of Object.entries(labelCases)) {
      it(`${behaviour} (${strategy})`, () => {
        for (const [key, name] of cases) assert.equal(labelName(key, strategy), name, key);
      });
    }
  }
  for (const strategy of UTF8_STRATEGIES) {
    for (const [behaviour, cases] of Object.entries(utf8LabelCases)) {
      it(`${behaviour} (${strategy})`, () => {
        for (const [key, name] of cases) assert.equal(labelName(key, strategy), name, key);
      });
    }
  }

  it('is by the default strategy when none is given', () => assert.equal(labelName('1.größe'), 'key_1_gr__e'));

  it('is valid, not reserved, and itself when said again', () => {
    const strategies = [...CLASSIC_STRATEGIES, ...UTF8_STRATEGIES];
    fc.assert(
      fc.property(anyText, fc.constantFrom('', '_', '__', '..'), fc.constantFrom(...strategies), (text, start, by) => {
        const name = labelName(start + text, by);
        assert.ok(name.isWellFormed() && !name.startsWith('__'), name);
        assert.equal(name === '', start + text === '');
        if (by.startsWith('underscore')) assert.ok(name === '' || isClassicLabel(name), name);
        assert.equal(labelName(name, by), name);
      }),
    );
  });
});
