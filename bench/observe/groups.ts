import { parseConfig, type ObservablesConfig } from '../../src/config/index.ts';
import { createContainerGroup } from '../../src/observables/container/index.ts';
import { hostGroups } from '../../src/observables/host/host.ts';
import { createProcfsGroups } from '../../src/observables/host/procfs/index.ts';
import { SampleError, type ObservableGroup } from '../../src/observables/observable.ts';
import { createProcessGroups } from '../../src/observables/process/index.ts';
import { createReadings, type Readings } from '../../src/observables/readings.ts';
import { createTelemetry } from '../../src/telemetry/index.ts';

/** What the configuration has by default. */
export function defaults(): ObservablesConfig {
  const text = 'upstreams: [{ name: none, url: "http://127.0.0.1:1" }]';
  const result = parseConfig({ text, source: 'defaults', env: {}, readFile: () => '' });
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.config.observables;
}

/** Those that read what node_exporter reads: all of the host. */
export function groupsOfHost(): ObservableGroup[] {
  return createProcfsGroups(defaults().host);
}

/** Those that read what `currentLoad`, `mem`, `fsSize`, `disksIO` and `networkStats` of systeminformation read, and more of each. */
export function groupsOfCalls(): ObservableGroup[] {
  const { cpu, memory, filesystem, disk, network } = hostGroups;
  const names = new Set<string>([cpu, memory, filesystem, disk, network].map(({ name }) => name));
  return groupsOfHost().filter(({ name }) => names.has(name));
}

/** By name, but for the GPUs: what reads those waits for what their program writes. */
export function allGroups(): ObservableGroup[] {
  const { instruments } = createTelemetry();
  return [...groupsOfHost(), createContainerGroup(), ...createProcessGroups({ instruments })];
}

/**
 * One sample of each, as samplers take them.
 *
 * @throws if one reads less than there is: it would be quick, and worth nothing.
 */
export async function sampleAll(groups: readonly ObservableGroup[]): Promise<Readings> {
  const readings = createReadings(groups.flatMap(({ instruments }) => instruments));
  for (const group of groups) {
    try {
      // Most are done when they return.
      const sampling = group.sample({ write: readings.write, report: fail, takenAgo: () => undefined });
      if (sampling !== undefined) await sampling;
    } catch (error) {
      if (!(error instanceof SampleError && error.reason === 'unsupported')) throw error;
    }
  }
  return readings;
}

function fail(error: SampleError): never {
  throw error;
}
