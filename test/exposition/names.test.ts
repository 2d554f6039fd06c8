import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { labelName, metricName, type NameParts } from '../../src/exposition/names.ts';

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

describe('metricName', () => {
  for (const [behaviour, cases] of Object.entries(metricCases)) {
    it(behaviour, () => {
      for (const [parts, out] of cases) assert.equal(metricName(parts), out, JSON.stringify(parts));
    });
  }
});

describe('labelName', () => {
  for (const [behaviour, cases] of Object.entries(labelCases)) {
    it(behaviour, () => {
      for (const [key, name] of cases) assert.equal(labelName(key), name, key);
    });
  }
});
