import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Paths of the real servers and tools that test/interop runs against; a key is absent where the program was not found. */
export interface Interop {
  readonly prometheus?: string;
  readonly promtool?: string;
  readonly otelcol?: string;
  readonly dockerCompose?: string;
  readonly prometheus3?: string;
  /** `startNodeExporter` runs it. */
  readonly nodeExporter?: string;
  /** The program of test/interop/judge; `startJudge` runs it. */
  readonly judge?: string;
  /** A Python that has prometheus_client; `startOpenMetricsParser` runs it. */
  readonly openmetrics?: string;
  /** Pythons that have a model server and what it needs; `startPythonServer` runs them. */
  readonly mlserver?: string;
  readonly bentoml?: string;
  readonly mlflow?: string;
}

export type InteropProgram = keyof Interop;

const FILE_NAMES = {
  prometheus: 'prometheus',
  promtool: 'promtool',
  otelcol: 'otelcol',
  dockerCompose: 'docker-compose',
  prometheus3: 'prometheus3',
  nodeExporter: 'prometheus-node-exporter',
  judge: 'judge',
  openmetrics: 'openmetrics/bin/python',
  mlserver: 'mlserver-python',
  bentoml: 'bentoml-python',
  mlflow: 'mlflow-python',
} as const satisfies Record<InteropProgram, string>;

/** Looks in the cache that test/interop/setup.sh fills, then on PATH: the Collector of the cache has the components we need. */
export function findInterop(): Interop {
  const folders = [cacheFolder(), ...(process.env.PATH ?? '').split(delimiter)];
  const found: Partial<Record<InteropProgram, string>> = {};
  for (const [program, fileName] of Object.entries(FILE_NAMES) as [InteropProgram, string][]) {
    const path = folders.map((folder) => join(folder, fileName)).find(isExecutable);
    if (path !== undefined) found[program] = path;
  }
  return found;
}

/** For a test's `skip` option: `false` when all is there, else a reason that names what is missing. */
export function skipWithout(...programs: readonly InteropProgram[]): string | false {
  const found = findInterop();
  const missing = programs.filter((program) => found[program] === undefined).map((program) => FILE_NAMES[program]);
  return missing.length > 0 && `interop: ${missing.join(', ')} not found (test/interop/setup.sh installs it)`;
}

/** The path of a program that the test cannot do without; throws the reason of `skipWithout` when it is missing. */
export function interopProgram(program: InteropProgram): string {
  const path = findInterop()[program];
  if (path === undefined) throw new Error(String(skipWithout(program)));
  return path;
}

function cacheFolder(): string {
  const { METERGATE_INTEROP_CACHE, XDG_CACHE_HOME } = process.env;
  return METERGATE_INTEROP_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'metergate', 'interop');
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
