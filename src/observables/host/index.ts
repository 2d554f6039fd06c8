import { existsSync } from 'node:fs';
import { platform } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '../../telemetry/logger.ts';
import type { ObservableGroup } from '../observable.ts';
import { hostGroups, type HostSources } from './host.ts';
import { createProcfsGroups } from './procfs/index.ts';
import { createSysteminformationGroups } from './systeminformation/index.ts';

export interface HostOptions extends HostSources {
  readonly intervalMs: number;
  /** `auto` = procfs where there is one, else systeminformation. */
  readonly backend: 'auto' | HostBackend;
  readonly filesystems: HostSources['filesystems'] & { readonly intervalMs: number };
}

export type HostBackend = 'procfs' | 'systeminformation';

/** Chooses a backend, says in one log line which and why, and returns its groups. */
export function createHostGroups(
  options: HostOptions & { readonly logger: Logger },
): { group: ObservableGroup; intervalMs: number }[] {
  const { logger, filesystems, intervalMs } = options;
  const { backend, why } = choose(options);
  logger.info('host backend', { backend, why });
  const create = backend === 'procfs' ? createProcfsGroups : createSysteminformationGroups;
  return create(options).map((group) => ({
    group,
    intervalMs: group.name === hostGroups.filesystem.name ? filesystems.intervalMs : intervalMs,
  }));
}

function choose({ backend, root }: HostOptions): { backend: HostBackend; why: string } {
  if (backend !== 'auto') return { backend, why: 'configured' };
  const stat = join(root, 'proc/stat');
  if (existsSync(stat)) return { backend: 'procfs', why: `there is ${stat}` };
  // systeminformation would show the container that we are in as the host.
  if (root !== '/') return { backend: 'procfs', why: `only it reads below ${root}, though there is no ${stat}` };
  return { backend: 'systeminformation', why: `there is no ${stat} on ${platform()}` };
}
