import { spawnSync } from 'node:child_process';
import { CannotRun, type Bench } from '../bench.ts';
import { ratiosOf, type Ratios } from '../contenders.ts';
import { measure, type Contender } from '../measure.ts';
import { NODE_EXPORTER } from './node-exporter-flags.ts';
import { watchWindow, type WindowOptions } from './window.ts';

const ROUNDS = 2;
const FULL: WindowOptions = { warmUpMs: 3_000, settleMs: 2_000, windowMs: 10_000 };
const QUICK: WindowOptions = { warmUpMs: 100, settleMs: 100, windowMs: 1_200 };

const metergate = new URL('metergate.ts', import.meta.url);
const systeminformation = new URL('systeminformation.ts', import.meta.url);
const nodeExporter = new URL('node-exporter.ts', import.meta.url);

/** Who reads what. The table is in this order. */
const compared: readonly Contender[] = [
  { name: 'calls_metergate', module: metergate, case: 'calls' },
  { name: 'calls_systeminformation', module: systeminformation, case: 'calls' },
  { name: 'calls_systeminformation_without_gpus', module: systeminformation, case: 'calls_without_gpus' },
  { name: 'host_metergate', module: metergate, case: 'host' },
  { name: 'host_page_metergate', module: metergate, case: 'host_page' },
  { name: 'host_page_node_exporter', module: nodeExporter, case: 'host_page' },
];
const alone: readonly Contender[] = [{ name: 'sample', module: metergate, case: 'groups' }];

const ratios: Ratios = {
  cpu_vs_systeminformation: ['calls_systeminformation_ms', 'calls_metergate_ms'],
  cpu_vs_systeminformation_without_gpus: ['calls_systeminformation_without_gpus_ms', 'calls_metergate_ms'],
  cpu_vs_node_exporter: ['host_page_node_exporter_ms', 'host_metergate_ms'],
  page_vs_node_exporter: ['host_page_node_exporter_ms', 'host_page_metergate_ms'],
};

/** Readings of the machine: what a sample costs, beside those who read the same, and what all of them cost a gateway. */
export const observeBench: Bench = async (options) => {
  const { quick, progress } = options;
  if (process.platform !== 'linux') throw new CannotRun('this is not Linux: there is no procfs to measure');
  const hasPeer = spawnSync(NODE_EXPORTER, ['--version']).error === undefined;
  if (!hasPeer)
    progress(`${NODE_EXPORTER} is not here, so its ratios are left out (Debian has a package of that name)`);
  const isThere = (name: string): boolean => hasPeer || !name.includes('node_exporter');

  const watched = await watchWindow(quick ? QUICK : FULL, progress);
  const others = measure(alone, { ...options, rounds: 1 });
  const rounds = quick ? 1 : ROUNDS;
  const figures = measure(
    compared.filter(({ name }) => isThere(name)),
    { ...options, rounds },
  );
  const known = Object.fromEntries(Object.entries(ratios).filter(([name]) => isThere(name)));
  return { ratios: ratiosOf(known, figures), figures: { ...watched, ...figures, ...others } };
};
