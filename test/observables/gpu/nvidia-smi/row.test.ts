import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Gpu } from '../../../../src/observables/gpu/gpu.ts';
import { createQuery, rejectedNames } from '../../../../src/observables/gpu/nvidia-smi/columns.ts';
import { parseRow } from '../../../../src/observables/gpu/nvidia-smi/row.ts';

const { columns, names } = createQuery(new Set());

/** A line with these cells, and `[N/A]` in the others. */
function lineOf(cells: Readonly<Record<string, string>>): string {
  const all: Record<string, string> = { index: '0', uuid: 'GPU-1', 'temperature.gpu': '40', ...cells };
  return names.map((name) => all[name] ?? '[N/A]').join(', ');
}

const rowOf = (cells: Readonly<Record<string, string>>) => parseRow(lineOf(cells), columns);

describe('a row of nvidia-smi', () => {
  const values: Record<string, { cells: Record<string, string>; gives: Gpu['values'] }> = {
    'a percentage is a share': { cells: { 'utilization.gpu': '57' }, gives: { utilization: 0.57 } },
    'a true 0 stays': { cells: { 'utilization.gpu': '0' }, gives: { utilization: 0 } },
    'mebibytes are bytes': { cells: { 'memory.used': '3' }, gives: { memoryUsed: 3_145_728 } },
    'megahertz are hertz': { cells: { 'clocks.current.sm': '1410' }, gives: { smClock: 1_410_000_000 } },
    'microseconds are seconds': {
      cells: { 'clocks_event_reasons_counters.sw_power_cap': '5451018134' },
      gives: { throttledSecondsByPowerCap: 5451.018134 },
    },
    'Active is 1': { cells: { 'clocks_event_reasons.sync_boost': 'Active' }, gives: { throttledBySyncBoost: 1 } },
    'Not Active is 0': {
      cells: { 'clocks_event_reasons.sync_boost': 'Not Active' },
      gives: { throttledBySyncBoost: 0 },
    },
    'a performance state is its number': { cells: { pstate: 'P12' }, gives: { performanceState: 12 } },
    'the instant power comes before the average': {
      cells: { 'power.draw.instant': '588.39', 'power.draw': '629.45' },
      gives: { power: 588.39 },
    },
    'the average power is better than none': {
      cells: { 'power.draw.instant': '[N/A]', 'power.draw': '629.45' },
      gives: { power: 629.45 },
    },
    'it may be below zero': { cells: { 'temperature.gpu': '-3' }, gives: { temperature: -3 } },
  };
  for (const [name, { cells, gives }] of Object.entries(values)) {
    it(`reads values: ${name}`, () => {
      const row = rowOf(cells);
      assert.deepEqual(row?.gpu.values, { temperature: 40, ...gives });
      assert.deepEqual(row.faults, []);
    });
  }

  const absent = [
    '',
    'N/A',
    '[N/A]',
    '[Not Supported]',
    '[Function Not Found]',
    '[Requested functionality has been deprecated]',
  ];
  for (const text of absent) {
    it(`has no value, and no fault, where it says "${text}"`, () => {
      const row = rowOf({ 'power.draw': text, 'utilization.gpu': text });
      assert.deepEqual(row?.gpu.values, { temperature: 40 });
      assert.equal(row.gpu.state, 'ok');
      assert.deepEqual(row.faults, []);
    });
  }

  for (const text of ['[Unknown Error]', '[Insufficient Permissions]', '[Whatever comes]']) {
    it(`has no value, and says so, where it says "${text}"`, () => {
      const row = rowOf({
        'power.draw': text,
        'utilization.gpu': text,
        vbios_version: text,
        'temperature.memory': '[N/A]',
      });
      assert.deepEqual(row?.gpu.values, { temperature: 40 });
      assert.equal(row.gpu.state, 'ok');
      assert.deepEqual(
        row.faults.map(({ reason, message }) => [reason, message]),
        [['device', `GPU 0 (GPU-1): ${text} in place of vbios_version, utilization.gpu, power.draw`]],
      );
    });
  }

  it('names five columns that have no value, and how many more there are', () => {
    const broken = names.filter((name) => name.startsWith('clocks'));
    const row = rowOf(Object.fromEntries(broken.map((name) => [name, '[Unknown Error]'])));
    const messages = row?.faults.map(({ message }) => message) ?? [];
    assert.equal(messages.length, 1);
    assert.match(messages[0] ?? '', /: \[Unknown Error\] in place of (clocks[.\w]+, ){4}clocks[.\w]+ and \d+ more$/);
    assert.ok(messages[0]?.endsWith(` ${broken.length - 5} more`));
  });

  it('has no fault where the other column of a field has a value', () => {
    const row = rowOf({ 'power.draw.instant': '[Unknown Error]', 'power.draw': '629.45' });
    assert.deepEqual(row?.gpu.values, { temperature: 40, power: 629.45 });
    assert.deepEqual(row.faults, []);
  });

  const strange: Record<string, string> = {
    'a word': 'busy',
    'a unit': '37 %',
    'a comma': '120,5',
    'a number that is no decimal one': '0x25',
    'a number that is no measurement': '1e300',
    'more than there can be': '250',
    'less than there can be': '-250',
  };
  for (const [name, text] of Object.entries(strange)) {
    it(`keeps the rest of a row of which one value is none that is known, and says which: ${name}`, () => {
      const row = rowOf({ 'utilization.gpu': text, 'memory.used': '3' });
      assert.deepEqual(row?.gpu.values, { temperature: 40, memoryUsed: 3_145_728 });
      assert.deepEqual(
        row.faults.map(({ reason, message }) => [reason, message]),
        [['malformed', 'GPU 0 (GPU-1): no value that is known in utilization.gpu']],
      );
    });
  }

  it('is of a GPU that works when none of its values is known', () => {
    const row = rowOf({ 'temperature.gpu': '40 C', 'utilization.gpu': '37 %' });
    assert.equal(row?.gpu.state, 'ok');
    assert.deepEqual(
      row.faults.map(({ reason }) => reason),
      ['malformed'],
    );
  });

  it('has texts that are short', () => {
    const row = rowOf({ uuid: 'x'.repeat(60_000), 'utilization.gpu': '?' });
    assert.equal(row?.uuid?.length, 100);
    assert.ok((row.faults[0]?.message.length ?? 0) < 200);
  });

  it('takes a comma in the name of a model for a part of it', () => {
    assert.equal(rowOf({ name: 'NVIDIA RTX 6000, Max-Q, Blackwell' })?.gpu.model, 'NVIDIA RTX 6000, Max-Q, Blackwell');
  });

  it('is told from what is none', () => {
    const lines = [
      '',
      '0, GPU-1, 40',
      lineOf({ index: '[N/A]' }),
      lineOf({ index: 'x' }),
      lineOf({ index: '123456' }),
      'No devices were found',
    ];
    assert.deepEqual(
      lines.map((line) => parseRow(line, columns)),
      lines.map(() => undefined),
    );
  });

  const states: Record<string, { cells: Record<string, string>; state: Gpu['state']; fault?: string }> = {
    'nothing is said': { cells: {}, state: 'ok' },
    'no action is asked for': { cells: { gpu_recovery_action: 'None' }, state: 'ok' },
    'an action that is not known is asked for': { cells: { gpu_recovery_action: 'Unknown(9)' }, state: 'ok' },
    'it should be drained': { cells: { gpu_recovery_action: 'Drain P2P' }, state: 'degraded' },
    'it should be drained and reset': { cells: { gpu_recovery_action: 'Drain and Reset' }, state: 'degraded' },
    'it has to be reset': { cells: { gpu_recovery_action: 'GPU Reset' }, state: 'failed' },
    'the machine has to be restarted': { cells: { gpu_recovery_action: 'Node Reboot' }, state: 'failed' },
    'rows are to be remapped': { cells: { 'remapped_rows.pending': 'Yes' }, state: 'degraded' },
    'rows could not be remapped': { cells: { 'remapped_rows.failure': '1' }, state: 'degraded' },
    'no row was remapped': { cells: { 'remapped_rows.pending': 'No', 'remapped_rows.failure': '0' }, state: 'ok' },
    'one value says that it is lost': {
      cells: { 'power.draw': '[GPU is lost]' },
      state: 'failed',
      fault: 'GPU 0 (GPU-1): [GPU is lost]',
    },
    'one value says that it requires a reset': {
      cells: { 'power.draw': '[GPU requires reset]', gpu_recovery_action: 'Drain and Reset' },
      state: 'failed',
      fault: 'GPU 0 (GPU-1): [GPU requires reset]',
    },
    'there is no value at all': {
      cells: { 'temperature.gpu': '[Unknown Error]' },
      state: 'failed',
      fault: 'GPU 0 (GPU-1): no readings but [Unknown Error]',
    },
    'the UUID is not there either': {
      cells: { 'temperature.gpu': '[N/A]', uuid: '[Unknown Error]' },
      state: 'failed',
      fault: 'GPU 0: no readings but [Unknown Error]',
    },
  };
  for (const [name, { cells, state, fault }] of Object.entries(states)) {
    it(`is of a GPU that is ${state}: ${name}`, () => {
      const row = rowOf(cells);
      assert.equal(row?.gpu.state, state);
      assert.deepEqual(
        row.faults.map(({ reason, message }) => `${reason}: ${message}`),
        fault === undefined ? [] : [`device: ${fault}`],
      );
    });
  }
});

describe('a query', () => {
  it('asks for the model last, and for nothing twice', () => {
    assert.equal(names.at(-1), 'name');
    assert.equal(new Set(names).size, names.length);
  });

  it('goes to the older name, and then without', () => {
    const nameOf = (...rejected: string[]) =>
      createQuery(new Set(rejected)).names.filter((name) => name.endsWith('.sync_boost'));
    const [event = '', counter = ''] = nameOf();
    assert.deepEqual([event, counter], ['clocks_event_reasons.sync_boost', 'clocks_event_reasons_counters.sync_boost']);
    assert.deepEqual(nameOf(event), ['clocks_throttle_reasons.sync_boost', counter]);
    assert.deepEqual(nameOf(event, counter), ['clocks_throttle_reasons.sync_boost']);
    assert.deepEqual(nameOf(event, counter, 'clocks_throttle_reasons.sync_boost'), []);
  });

  it('asks for the index always, without which there is no row', () => {
    assert.equal(createQuery(new Set(['index', 'uuid', 'gpu_uuid'])).names[0], 'index');
  });

  it('hears which names are rejected, and of a family all at once', () => {
    const asked = ['power.draw', 'power.draw.instant', 'remapped_rows.pending', 'remapped_rows.failure'];
    const say = (name: string) => rejectedNames(`Field "${name}" is not a valid field to query.`, asked);
    assert.deepEqual(say('power.draw'), ['power.draw']);
    assert.deepEqual(say('remapped_rows.failure'), ['remapped_rows.pending', 'remapped_rows.failure']);
    assert.deepEqual(say('remapped_rows.correctable'), []);
    assert.deepEqual(rejectedNames('No devices were found', asked), []);
  });
});
