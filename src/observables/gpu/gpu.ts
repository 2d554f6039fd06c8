import type { Deadline } from '../../std/deadline.ts';
import type { ObservableName } from '../../telemetry/instruments.ts';
import type { Sample } from '../observable.ts';

/**
 * The one interface of all ways to read GPUs. `start` rejects with a `SampleError` when the backend cannot work here at all (no
 * program, no library); what can pass is reported by `sample`.
 */
export interface GpuBackend {
  readonly name: 'nvidia-smi' | 'systeminformation' | 'simulated';
  start(): Promise<void>;
  /**
   * The GPUs as they are now, in a fixed order. One that cannot be read is reported, and is left out or has no values; when nothing
   * can be read, it throws a `SampleError`. None at all is a failure, too.
   */
  sample(into: GpuSample): readonly Gpu[] | Promise<readonly Gpu[]>;
  /** Idempotent, safe without `start`. Leaves no process behind. */
  close(deadline: Deadline): Promise<void>;
}

/** What there is to say of a sample besides its GPUs. */
export type GpuSample = Pick<Sample, 'report' | 'takenAgo'>;

/** What is not known is not there. */
export interface Gpu {
  /** Stays the same over restarts and when cards are moved: the UUID, where there is one. */
  readonly id: string;
  /** For people: its index, such as `0`. */
  readonly name: string;
  readonly model?: string | undefined;
  readonly vendor?: string | undefined;
  readonly driverVersion?: string | undefined;
  readonly firmwareVersion?: string | undefined;
  readonly pciAddress?: string | undefined;
  readonly migMode?: 'enabled' | 'disabled' | undefined;
  /** `degraded` = it works, but asks for maintenance; `failed` = it is lost, or has to be reset. */
  readonly state: 'ok' | 'degraded' | 'failed';
  readonly values: GpuValues;
}

/** In the unit of the instrument: shares from 0 to 1, bytes, watts, joules, degrees Celsius, hertz, seconds. */
export type GpuValues = Readonly<Partial<Record<GpuField, number>>>;

export type GpuField = keyof typeof gpuFields;

const GPU = { 'hw.type': 'gpu' } as const;

/** Everything that is read of a GPU, and where it is shown. `hw.id` and `hw.name` come to the attributes. */
export const gpuFields = {
  utilization: { instrument: 'hw.gpu.utilization', attributes: { 'hw.gpu.task': 'general' } },
  encoderUtilization: { instrument: 'hw.gpu.utilization', attributes: { 'hw.gpu.task': 'encoder' } },
  decoderUtilization: { instrument: 'hw.gpu.utilization', attributes: { 'hw.gpu.task': 'decoder' } },
  jpegUtilization: { instrument: 'hw.gpu.utilization', attributes: { 'hw.gpu.task': 'jpeg' } },
  opticalFlowUtilization: { instrument: 'hw.gpu.utilization', attributes: { 'hw.gpu.task': 'optical_flow' } },
  /** Share of the time that the memory was read or written; not how full it is. */
  memoryCopyUtilization: { instrument: 'hw.gpu.utilization', attributes: { 'hw.gpu.task': 'memory_copy' } },
  memoryUsed: { instrument: 'hw.gpu.memory.usage' },
  memoryLimit: { instrument: 'hw.gpu.memory.limit' },
  memoryUtilization: { instrument: 'hw.gpu.memory.utilization' },
  memoryReserved: { instrument: 'metergate.gpu.memory.reserved' },
  received: { instrument: 'hw.gpu.io', attributes: { 'network.io.direction': 'receive' } },
  transmitted: { instrument: 'hw.gpu.io', attributes: { 'network.io.direction': 'transmit' } },
  energy: { instrument: 'hw.energy', attributes: GPU },
  power: { instrument: 'hw.power', attributes: GPU },
  powerLimit: { instrument: 'metergate.gpu.power.limit' },
  temperature: { instrument: 'hw.temperature', attributes: { ...GPU, 'hw.sensor_location': 'gpu' } },
  memoryTemperature: { instrument: 'hw.temperature', attributes: { ...GPU, 'hw.sensor_location': 'memory' } },
  fanSpeed: { instrument: 'metergate.gpu.fan.speed' },
  graphicsClock: { instrument: 'metergate.gpu.clock.frequency', attributes: { 'metergate.gpu.clock': 'graphics' } },
  smClock: { instrument: 'metergate.gpu.clock.frequency', attributes: { 'metergate.gpu.clock': 'sm' } },
  memoryClock: { instrument: 'metergate.gpu.clock.frequency', attributes: { 'metergate.gpu.clock': 'memory' } },
  videoClock: { instrument: 'metergate.gpu.clock.frequency', attributes: { 'metergate.gpu.clock': 'video' } },
  performanceState: { instrument: 'metergate.gpu.performance_state' },
  ...throttling('PowerCap', 'sw_power_cap'),
  ...throttling('Thermal', 'sw_thermal_slowdown'),
  ...throttling('HardwareThermal', 'hw_thermal_slowdown'),
  ...throttling('PowerBrake', 'hw_power_brake_slowdown'),
  ...throttling('SyncBoost', 'sync_boost'),
  correctedErrors: { instrument: 'hw.errors', attributes: { ...GPU, 'error.type': 'corrected' } },
  uncorrectedErrors: { instrument: 'hw.errors', attributes: { ...GPU, 'error.type': 'uncorrected' } },
  correctedRows: { instrument: 'metergate.gpu.remapped_rows', attributes: { 'error.type': 'corrected' } },
  uncorrectedRows: { instrument: 'metergate.gpu.remapped_rows', attributes: { 'error.type': 'uncorrected' } },
  linkGeneration: { instrument: 'metergate.gpu.pcie.link.generation' },
  linkWidth: { instrument: 'metergate.gpu.pcie.link.width' },
} as const satisfies Readonly<
  Record<string, { instrument: ObservableName; attributes?: Readonly<Record<string, string>> }>
>;

/** Whether a reason holds the clocks down now (0 or 1), and for how long it has (seconds). */
function throttling<K extends string, R extends string>(key: K, reason: R) {
  const attributes = { 'metergate.gpu.throttle.reason': reason };
  return {
    [`throttledBy${key}`]: { instrument: 'metergate.gpu.throttle.active', attributes },
    [`throttledSecondsBy${key}`]: { instrument: 'metergate.gpu.throttle.time', attributes },
  } as Record<
    `throttledBy${K}`,
    { instrument: 'metergate.gpu.throttle.active'; attributes: { 'metergate.gpu.throttle.reason': R } }
  > &
    Record<
      `throttledSecondsBy${K}`,
      { instrument: 'metergate.gpu.throttle.time'; attributes: { 'metergate.gpu.throttle.reason': R } }
    >;
}
