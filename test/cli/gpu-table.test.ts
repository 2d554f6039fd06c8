import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gpuTable } from '../../src/cli/gpu-table.ts';
import type { Gpu } from '../../src/observables/gpu/gpu.ts';

const GIB = 2 ** 30;
const HEAD = /^index +model +id +utilization +memory +power +temperature +state$/;

const working: Gpu = {
  id: 'GPU-1f',
  name: '0',
  model: 'NVIDIA H100 80GB HBM3',
  state: 'ok',
  values: {
    utilization: 0.355,
    memoryUsed: 12.34 * GIB,
    memoryLimit: 80 * GIB,
    power: 310.04,
    powerLimit: 700,
    temperature: 54,
  },
};

/** The cells of the only GPU. */
function cells(gpu: Gpu): string[] {
  const [head = '', row = '', ...more] = gpuTable([gpu]).split('\n');
  assert.match(head, HEAD);
  assert.deepEqual(more, ['']);
  return row.split(/ {2,}/);
}

const idle = {
  ...working,
  values: { utilization: 0, memoryUsed: 0, memoryLimit: 80 * GIB, power: 0, temperature: -3 },
};
const cases: Record<string, { gpu: Gpu; row: string[] }> = {
  'a GPU that works has all of its cells, in units for people': {
    gpu: working,
    row: ['0', 'NVIDIA H100 80GB HBM3', 'GPU-1f', '35.5 %', '12.3 of 80 GiB', '310 of 700 W', '54 °C', 'ok'],
  },
  'a true 0 is shown, and so is a temperature below it': {
    gpu: idle,
    row: ['0', 'NVIDIA H100 80GB HBM3', 'GPU-1f', '0 %', '0 of 80 GiB', '0 of - W', '-3 °C', 'ok'],
  },
  'what is not known is a dash': {
    gpu: { id: 'pci:01', name: '1', state: 'failed', values: {} },
    row: ['1', '-', 'pci:01', '-', '-', '-', '-', 'failed'],
  },
  'of two values in a cell, one may not be known': {
    gpu: { ...working, values: { memoryLimit: 80 * GIB, powerLimit: 700 } },
    row: ['0', 'NVIDIA H100 80GB HBM3', 'GPU-1f', '-', '- of 80 GiB', '- of 700 W', '-', 'ok'],
  },
};

for (const [name, { gpu, row }] of Object.entries(cases)) {
  test(name, () => assert.deepEqual(cells(gpu), row));
}

test('the columns are as wide as their widest cell, and no line ends in spaces', () => {
  const other: Gpu = { ...idle, id: 'GPU-and-a-longer-id', name: '10', model: 'T4', state: 'degraded' };
  const lines = gpuTable([working, other]).trimEnd().split('\n');
  const starts = lines.map((line) => [line.indexOf(line.includes('GPU-') ? 'GPU-' : 'id'), line.search(/\S+$/)]);
  assert.deepEqual(starts, [starts[0], starts[0], starts[0]]);
  for (const line of lines) assert.equal(line, line.trimEnd());
});
