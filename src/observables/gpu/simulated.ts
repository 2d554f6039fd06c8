import type { Gpu, GpuBackend, GpuValues } from './gpu.ts';

export interface SimulatedOptions {
  readonly gpus: number;
  /** The monotonic clock, in milliseconds. */
  readonly now?: () => number;
}

/** What a sample leaves for the next one. */
interface State {
  readonly atSeconds: number;
  readonly power: number;
  readonly temperature: number;
  readonly memoryUsed: number;
  readonly busRate: number;
  readonly energy: number;
  readonly received: number;
  readonly powerCapSeconds: number;
  readonly thermalSeconds: number;
}

const GIB = 2 ** 30;
const MEMORY = { limit: 80 * GIB, reserved: 0.5 * GIB, idle: 2 * GIB, loaded: 70 * GIB, lagSeconds: 8 };
const POWER = { idle: 70, full: 800, limit: 700 };
/** Of a first-order model, in kelvins per watt and seconds; at the limit of the power it ends above the limit of the temperature. */
const HEAT = { ambient: 30, resistance: 0.09, lagSeconds: 20, limit: 85 };
const CLOCK = { highest: 1980e6, lowest: 345e6, memory: 2619e6 };
const BUS_BYTES_PER_SECOND = 12e9;

const CYCLE_SECONDS = 120;
const PHASE_SECONDS = 17;

/** GPUs that are made up, for demos without one: what they show is a function of the time since the start, and not of chance. */
export function createSimulatedGpus({ gpus, now = () => performance.now() }: SimulatedOptions): GpuBackend {
  let startMs = now();
  let states: (State | undefined)[] = [];
  return {
    name: 'simulated',
    start: () => {
      startMs = now();
      states = Array.from({ length: gpus }, () => undefined);
      return Promise.resolve();
    },
    sample: () => {
      const atSeconds = Math.max(0, now() - startMs) / 1000;
      const simulated = Array.from({ length: gpus }, (_, index) => simulate(index, atSeconds, states[index]));
      states = simulated.map(({ state }) => state);
      return simulated.map(({ values }, index) => gpuOf(index, values));
    },
    close: () => Promise.resolve(),
  };
}

/** Share of the time that kernels run: idle, a ramp, a plateau, bursts, and again; each GPU is a little behind the one before. */
export function simulatedLoad(index: number, atSeconds: number): number {
  const inCycle = (atSeconds + index * PHASE_SECONDS) % CYCLE_SECONDS;
  if (inCycle < 20) return 0.02;
  if (inCycle < 40) return 0.02 + (0.93 * (inCycle - 20)) / 20;
  if (inCycle < 90) return 0.95;
  return inCycle % 10 < 5 ? 1 : 0.1;
}

function simulate(index: number, atSeconds: number, before: State | undefined): { state: State; values: GpuValues } {
  const load = simulatedLoad(index, atSeconds);
  const seconds = Math.max(0, atSeconds - (before?.atSeconds ?? atSeconds));
  const temperature = toward(before?.temperature ?? HEAT.ambient, {
    goal: HEAT.ambient + HEAT.resistance * (before?.power ?? 0),
    seconds,
    lagSeconds: HEAT.lagSeconds,
  });
  const memoryUsed = toward(before?.memoryUsed ?? MEMORY.idle, {
    goal: load < 0.05 ? MEMORY.idle : MEMORY.loaded,
    seconds,
    lagSeconds: MEMORY.lagSeconds,
  });

  // Too hot: what may be drawn falls by a tenth for each degree; so do the clocks, which power follows.
  const allowed = POWER.limit * Math.min(1, Math.max(0.3, 1 - 0.1 * (temperature - HEAT.limit)));
  const wanted = POWER.idle + (POWER.full - POWER.idle) * load;
  const power = Math.min(wanted, allowed);
  const isHot = power < wanted && temperature > HEAT.limit;
  const isCapped = power < wanted && !isHot;
  const slowdown = (power - POWER.idle) / (wanted - POWER.idle);
  const clock = load < 0.05 ? CLOCK.lowest : Math.max(CLOCK.lowest, CLOCK.highest * slowdown);
  const busRate = BUS_BYTES_PER_SECOND * load;

  const state: State = {
    atSeconds,
    power,
    temperature,
    memoryUsed,
    busRate,
    // What is between two samples is taken for a straight line, so that it is just what the gauge shows.
    energy: (before?.energy ?? 0) + ((power + (before?.power ?? power)) / 2) * seconds,
    received: (before?.received ?? 0) + ((busRate + (before?.busRate ?? busRate)) / 2) * seconds,
    powerCapSeconds: (before?.powerCapSeconds ?? 0) + (isCapped ? seconds : 0),
    thermalSeconds: (before?.thermalSeconds ?? 0) + (isHot ? seconds : 0),
  };
  return { state, values: { ...IDLE_PARTS, ...valuesOf(state, { load, clock, isHot, isCapped }) } };
}

/** What no simulated load touches. */
const IDLE_PARTS: GpuValues = {
  encoderUtilization: 0,
  decoderUtilization: 0,
  jpegUtilization: 0,
  opticalFlowUtilization: 0,
  throttledByHardwareThermal: 0,
  throttledByPowerBrake: 0,
  throttledBySyncBoost: 0,
  throttledSecondsByHardwareThermal: 0,
  throttledSecondsByPowerBrake: 0,
  throttledSecondsBySyncBoost: 0,
  correctedErrors: 0,
  uncorrectedErrors: 0,
  correctedRows: 0,
  uncorrectedRows: 0,
  linkGeneration: 5,
  linkWidth: 16,
  memoryLimit: MEMORY.limit,
  memoryReserved: MEMORY.reserved,
  powerLimit: POWER.limit,
  memoryClock: CLOCK.memory,
};

function valuesOf(
  state: State,
  { load, clock, isHot, isCapped }: { load: number; clock: number; isHot: boolean; isCapped: boolean },
): GpuValues {
  const { power, temperature, memoryUsed, energy, received } = state;
  return {
    utilization: load,
    memoryCopyUtilization: load * 0.6,
    memoryUsed,
    received,
    transmitted: received / 4,
    energy,
    power,
    temperature,
    memoryTemperature: temperature + 4,
    fanSpeed: Math.min(1, 0.3 + Math.max(0, temperature - 40) / 60),
    graphicsClock: clock,
    smClock: clock,
    videoClock: clock * 0.8,
    performanceState: load < 0.05 ? 8 : 0,
    throttledByPowerCap: Number(isCapped),
    throttledByThermal: Number(isHot),
    throttledSecondsByPowerCap: state.powerCapSeconds,
    throttledSecondsByThermal: state.thermalSeconds,
  };
}

/** The solution of a first-order lag for any length of time. */
function toward(value: number, to: { goal: number; seconds: number; lagSeconds: number }): number {
  return to.goal + (value - to.goal) * Math.exp(-to.seconds / to.lagSeconds);
}

function gpuOf(index: number, values: GpuValues): Gpu {
  const bus = (index + 1).toString(16).padStart(2, '0').toUpperCase();
  return {
    id: `simulated-${index}`,
    name: String(index),
    model: 'Simulated GPU 80GB',
    vendor: 'metergate',
    pciAddress: `00000000:${bus}:00.0`,
    state: 'ok',
    values,
  };
}
