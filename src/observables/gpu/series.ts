import type { Attributes } from '@opentelemetry/api';
import type { ObservableName } from '../../telemetry/instruments.ts';
import { SampleError, type Sample, type WriteReading } from '../observable.ts';
import { gpuFields, type Gpu, type GpuField, type GpuValues } from './gpu.ts';

/** Writes GPUs to the instruments. Attributes are made once for a GPU, and kept as long as it is there. */
export interface GpuSeries {
  /** @param gpus of which no two have one id. */
  write(gpus: readonly Gpu[], write: WriteReading): void;
}

type Details = Omit<Gpu, 'state' | 'values'>;

interface AttributesOfGpu {
  readonly gpu: Details;
  readonly info: Attributes;
  readonly fields: readonly {
    readonly field: GpuField;
    readonly instrument: ObservableName;
    readonly attributes: Attributes;
  }[];
  readonly states: Readonly<Record<Gpu['state'], Attributes>>;
}

const states = ['ok', 'degraded', 'failed'] as const satisfies readonly Gpu['state'][];

export function createGpuSeries(): GpuSeries {
  let kept = new Map<string, AttributesOfGpu>();
  return {
    write: (gpus, write) => {
      const now = new Map<string, AttributesOfGpu>();
      for (const gpu of gpus) {
        const { id, state } = gpu;
        const before = kept.get(id);
        const attributes = before && isSame(before.gpu, gpu) ? before : attributesOf(gpu);
        now.set(id, attributes);
        write('metergate.gpu.info', 1, attributes.info);
        for (const one of states) write('hw.status', one === state ? 1 : 0, attributes.states[one]);
        for (const { field, instrument, attributes: ofField } of attributes.fields) {
          const value = field === 'memoryUtilization' ? memoryUtilization(gpu.values) : gpu.values[field];
          if (value !== undefined) write(instrument, value, ofField);
        }
      }
      kept = now;
    },
  };
}

/** @returns without those that would be one series: two with one id, and all that have none. They are reported. */
export function distinct(gpus: readonly Gpu[], into: Pick<Sample, 'report'>): readonly Gpu[] {
  return gpus.filter((gpu) => {
    const { id, name } = gpu;
    if (id !== '' && !gpus.some((other) => other !== gpu && other.id === id)) return true;
    const why = id === '' ? 'has no id' : `has the id of another, ${id}`;
    into.report(new SampleError('device', `GPU ${name} ${why}`));
    return false;
  });
}

/** What a backend read of a GPU, and what follows from it. */
export function complete({ values }: Gpu): GpuValues {
  return { ...values, memoryUtilization: memoryUtilization(values) };
}

function memoryUtilization({ memoryUtilization: read, memoryUsed, memoryLimit }: GpuValues): number | undefined {
  return read ?? (memoryUsed !== undefined && memoryLimit ? memoryUsed / memoryLimit : undefined);
}

function isSame(a: Details, b: Details): boolean {
  return detailKeys.every((key) => a[key] === b[key]);
}

const detailKeys = [
  'id',
  'name',
  'model',
  'vendor',
  'driverVersion',
  'firmwareVersion',
  'pciAddress',
  'migMode',
] as const satisfies readonly (keyof Details)[];

const definitions = Object.entries(gpuFields) as [GpuField, { instrument: ObservableName; attributes?: Attributes }][];

function attributesOf(gpu: Details): AttributesOfGpu {
  const which = { 'hw.id': gpu.id, 'hw.name': gpu.name };
  const info: Record<string, string | undefined> = {
    'hw.model': gpu.model,
    'hw.vendor': gpu.vendor,
    'hw.driver_version': gpu.driverVersion,
    'hw.firmware_version': gpu.firmwareVersion,
    'metergate.gpu.pci.address': gpu.pciAddress,
    'metergate.gpu.mig.mode': gpu.migMode,
  };
  const known = Object.entries(info).filter(([, value]) => value !== undefined);
  const ofState = (state: Gpu['state']): Attributes => ({ ...which, 'hw.type': 'gpu', 'hw.state': state });
  return {
    gpu,
    info: { ...which, ...Object.fromEntries(known) },
    fields: definitions.map(([field, { instrument, attributes }]) => ({
      field,
      instrument,
      attributes: { ...which, ...attributes },
    })),
    states: { ok: ofState('ok'), degraded: ofState('degraded'), failed: ofState('failed') },
  };
}
