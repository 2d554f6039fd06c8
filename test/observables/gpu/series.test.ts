import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import { gpuFields, type Gpu, type GpuField } from '../../../src/observables/gpu/gpu.ts';
import { complete, createGpuSeries, distinct } from '../../../src/observables/gpu/series.ts';
import type { SampleError } from '../../../src/observables/observable.ts';
import { catalogue } from '../../../src/telemetry/catalogue.ts';

const gpuOf = (gpu: Partial<Gpu> = {}): Gpu => ({ id: 'GPU-1', name: '0', state: 'ok', values: {}, ...gpu });

/** What was written, `name attribute=value ...` to value, what was reported, and the attributes themselves. */
function write(gpus: readonly Gpu[], series = createGpuSeries()) {
  const written: Record<string, number> = {};
  const attributes: (Attributes | undefined)[] = [];
  const reports: string[] = [];
  const report = ({ reason, message }: SampleError) => void reports.push(`${reason}: ${message}`);
  series.write(distinct(gpus, { report }), (name, value, of = {}) => {
    if (value === undefined) return;
    const key = [name, ...Object.entries(of).map(([one, other]) => `${one}=${String(other)}`)].join(' ');
    assert.equal(written[key], undefined, `${key} is written twice`);
    written[key] = value;
    attributes.push(of);
  });
  return { written, attributes, reports };
}

describe('series of GPUs', () => {
  it('show what is known of one, and nothing else', () => {
    const { written, reports } = write([
      gpuOf({ model: 'M', vendor: 'NVIDIA', state: 'degraded', values: { utilization: 0, temperature: 40 } }),
    ]);
    assert.deepEqual(written, {
      'metergate.gpu.info hw.id=GPU-1 hw.name=0 hw.model=M hw.vendor=NVIDIA': 1,
      'hw.status hw.id=GPU-1 hw.name=0 hw.type=gpu hw.state=ok': 0,
      'hw.status hw.id=GPU-1 hw.name=0 hw.type=gpu hw.state=degraded': 1,
      'hw.status hw.id=GPU-1 hw.name=0 hw.type=gpu hw.state=failed': 0,
      'hw.gpu.utilization hw.id=GPU-1 hw.name=0 hw.gpu.task=general': 0,
      'hw.temperature hw.id=GPU-1 hw.name=0 hw.type=gpu hw.sensor_location=gpu': 40,
    });
    assert.deepEqual(reports, []);
  });

  it('have the attributes of the catalogue, each field a series of its own', () => {
    const values = Object.fromEntries(Object.keys(gpuFields).map((field, at) => [field, at])) as Record<
      GpuField,
      number
    >;
    const { written } = write([
      gpuOf({
        model: 'M',
        vendor: 'V',
        driverVersion: 'D',
        firmwareVersion: 'F',
        pciAddress: 'P',
        migMode: 'enabled',
        values,
      }),
    ]);
    assert.equal(Object.keys(written).length, Object.keys(gpuFields).length + 4);
    for (const key of Object.keys(written)) {
      const [name = '', ...attributes] = key.split(' ');
      const keys = attributes.map((attribute) => attribute.split('=')[0]);
      assert.deepEqual(keys.sort(), [...catalogue[name as keyof typeof catalogue].attributes].sort(), name);
    }
  });

  it('keep the attributes of a GPU as long as nothing is new about it', () => {
    const series = createGpuSeries();
    const first = write([gpuOf({ model: 'M' })], series).attributes;
    const again = write([gpuOf({ model: 'M', state: 'failed' })], series).attributes;
    again.forEach((attributes, at) => assert.equal(attributes, first[at]));
    const { written } = write([gpuOf({ model: 'M', driverVersion: '580' })], series);
    assert.equal(written['metergate.gpu.info hw.id=GPU-1 hw.name=0 hw.model=M hw.driver_version=580'], 1);
  });

  it('leave out GPUs that would be one, or none, and say so', () => {
    const { written, reports } = write([
      gpuOf({ id: 'GPU-1', name: '0', values: { power: 1 } }),
      gpuOf({ id: 'GPU-2', name: '1', values: { power: 2 } }),
      gpuOf({ id: 'GPU-1', name: '2', values: { power: 3 } }),
      gpuOf({ id: '', name: '3', values: { power: 4 } }),
    ]);
    const power = Object.entries(written).filter(([key]) => key.startsWith('hw.power'));
    assert.deepEqual(power, [['hw.power hw.id=GPU-2 hw.name=1 hw.type=gpu', 2]]);
    assert.deepEqual(reports, [
      'device: GPU 0 has the id of another, GPU-1',
      'device: GPU 2 has the id of another, GPU-1',
      'device: GPU 3 has no id',
    ]);
  });
});

describe('the share of the memory in use', () => {
  const cases: Record<string, { values: Gpu['values']; share: number | undefined }> = {
    'follows from the others': { values: { memoryUsed: 3, memoryLimit: 4 }, share: 0.75 },
    'is 0 when none is used': { values: { memoryUsed: 0, memoryLimit: 4 }, share: 0 },
    'is what the backend reads': { values: { memoryUsed: 3, memoryLimit: 4, memoryUtilization: 0.7 }, share: 0.7 },
    'is not known without what is used': { values: { memoryLimit: 4 }, share: undefined },
    'is not known without what there is': { values: { memoryUsed: 3 }, share: undefined },
    'is not known where there is none': { values: { memoryUsed: 0, memoryLimit: 0 }, share: undefined },
  };
  for (const [name, { values, share }] of Object.entries(cases)) {
    it(name, () => assert.equal(complete(gpuOf({ values })).memoryUtilization, share));
  }
});
