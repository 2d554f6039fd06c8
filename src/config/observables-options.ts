import type { ObservablesOptions } from '../observables/index.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ObservablesConfig } from './config.ts';

/**
 * What is read of the machine. In a Kubernetes pod, host and GPUs are off unless they are asked for: every sidecar of a node would
 * export the same readings, and sums over them would be wrong.
 */
export function observablesOptions(
  { inPod, host, container, process, gpu }: ObservablesConfig,
  logger: Logger,
): Pick<ObservablesOptions, 'host' | 'container' | 'process' | 'gpu'> {
  const isOn = (name: string, enabled: boolean | 'auto'): boolean => {
    if (enabled !== 'auto') return enabled;
    if (inPod) logger.info(`${name} readings are off in a pod`, { why: `observables.${name}.enabled is auto` });
    return !inPod;
  };
  return {
    host: isOn('host', host.enabled) ? host : undefined,
    container: container.enabled ? container : undefined,
    process: process.enabled ? process : undefined,
    gpu: isOn('gpu', gpu.enabled) ? gpu : undefined,
  };
}
