import type { Source } from './source.ts';

/** Looks at all files at once; @returns what is wrong, each with its file, or nothing. */
export type Rule = (sources: readonly Source[]) => string[];

/**
 * From the bottom up. What stands in one row are siblings, which do not see each other. The way in (floor 8) is three rows,
 * since `bin/` starts `main.ts`, which starts `cli/`.
 */
const FLOORS: readonly (readonly string[])[] = [
  ['metric', 'std'],
  ['exposition', 'dialects', 'otlp'],
  ['instruments', 'store'],
  ['telemetry'],
  ['http'],
  ['serving', 'observables', 'pull', 'push', 'web', 'sources'],
  ['config'],
  ['gateway'],
  ['cli', 'index'],
  ['main'],
  ['bin'],
];

const PURE_FLOORS = 2;

/** The folder, or the file directly below `src/`, that stands for a part of the program. */
function partOf(path: string): string {
  const [top = '', next = ''] = path.split('/');
  return top === 'src' ? next.replace(/\.ts$/, '') : top;
}

function floorOf(path: string): number {
  return FLOORS.findIndex((parts) => parts.includes(partOf(path)));
}

export const importsGoDown: Rule = (sources) =>
  imports(sources).flatMap(({ path, file }) => {
    if (partOf(path) === partOf(file) || isExample(path) || isExample(file)) return [];
    const [from, to] = [floorOf(path), floorOf(file)];
    if (to < 0) return `${path}: imports ${file}, which is on no floor`;
    return from > to ? [] : `${path}: imports ${file}, which is ${from === to ? 'a sibling' : 'above it'}`;
  });

export const everyFileHasAFloor: Rule = (sources) =>
  sources.filter(({ path }) => !isExample(path) && floorOf(path) < 0).map(({ path }) => `${path}: is on no floor`);

function isExample(path: string): boolean {
  return path.startsWith('examples/');
}

/** An example stands alone; the demo is the one that runs it. */
export const examplesStandAlone: Rule = (sources) =>
  imports(sources)
    .filter(({ path, file }) => {
      if (isExample(path)) return !isExample(file);
      return isExample(file) && !path.startsWith('src/cli/demo/');
    })
    .map(({ path, file }) => `${path}: imports ${file}`);

function imports(sources: readonly Source[]): { path: string; file: string }[] {
  return sources.flatMap(({ path, files }) => files.map((file) => ({ path, file }))).filter(({ file }) => isCode(file));
}

/** The compiled `bin` also looks for `dist/`. */
function isCode(file: string): boolean {
  return file.endsWith('.ts') || (file.endsWith('.js') && !file.startsWith('dist/'));
}

export const noCycles: Rule = (sources) => {
  const files = new Map(sources.map((source) => [source.path, source.files]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const walk = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.push([...trail.slice(start), path].join(' -> '));
    if (start >= 0 || done.has(path)) return;
    for (const file of files.get(path) ?? []) walk(file, [...trail, path]);
    done.add(path);
  };
  for (const { path } of sources) walk(path, []);
  return cycles;
};

/** Reached from the command, or from the library's `index.ts`. */
export const noDeadFiles: Rule = (sources) => {
  const files = new Map(sources.map((source) => [source.path, source.files]));
  const reached = new Set<string>();
  const reach = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    files.get(path)?.forEach(reach);
  };
  for (const root of ['bin/metergate.js', 'src/index.ts']) reach(root);
  return sources
    .filter(({ path }) => path.startsWith('src/') && !reached.has(path))
    .map(({ path }) => `${path}: nothing imports it`);
};

/** No I/O and no clock; `std/` is the clock, so it may have timers. */
export const lowFloorsArePure: Rule = (sources) =>
  sources
    .filter(({ path }) => path.startsWith('src/') && floorOf(path) >= 0 && floorOf(path) < PURE_FLOORS)
    .flatMap(({ path, impure, packages }) => {
      const clock = partOf(path) === 'std' ? /^(performance\.now|setTimeout|clearTimeout)$/ : /^$/;
      // The adapters from the SDK's data are pure; whatever else is needed down here is a decision to be made.
      const others = packages.filter((name) => !name.startsWith('@opentelemetry/'));
      return [...impure.filter((use) => !clock.test(use)), ...others].map((use) => `${path}: uses ${use}`);
    });

const OWN_PROCESS: Readonly<Record<string, string>> = {
  'src/observables/gpu/nvidia-smi/child.ts': 'it ends a program together with what that has started',
  'src/observables/systeminformation/child.ts': 'it is what a process of its own runs',
  'src/observables/systeminformation/client.ts': 'it ends that process together with the programs that it has started',
};

/** Environment, arguments, exit and signals are taken in one place and passed on. */
export const processIsReadAtTheTop: Rule = (sources) =>
  sources
    .filter(({ path }) => path.startsWith('src/') && !['main', 'cli', 'config'].includes(partOf(path)))
    .filter(({ path }) => !Object.hasOwn(OWN_PROCESS, path))
    .flatMap(({ path, impure, packages }) =>
      [
        ...impure.filter((use) => /^process\.(env|argv|exit|exitCode|abort|kill|on|once|off|addListener)$/.test(use)),
        ...packages.filter((name) => name === 'node:process' || name === 'process'),
      ].map((use) => `${path}: uses ${use}`),
    );

export const namesSaySomething: Rule = (sources) =>
  sources
    .filter(({ path }) => /(^|\/)(utils?|helpers?|common|core|lib|shared|managers?)(\/|\.\w+$)/.test(path))
    .map(({ path }) => `${path}: is a name without a noun`);

export const namedExportsOnly: Rule = (sources) =>
  sources.filter((source) => source.hasDefaultExport).map(({ path }) => `${path}: has a default export`);

const INHERITED: Readonly<Record<string, string>> = {
  Error: 'instanceof tells our errors apart',
  MetricReader: 'the SDK takes readers by inheritance only',
  EventEmitter: 'undici takes a request body as a stream, which is known by its events',
};

export const noInheritance: Rule = (sources) =>
  sources.flatMap(({ path, extended }) =>
    extended.filter((name) => !Object.hasOwn(INHERITED, name)).map((name) => `${path}: a class extends ${name}`),
  );

const CREATOR = /^create(Observable)?(Counter|UpDownCounter|Gauge|Histogram)$/;

const CREATING: Readonly<Record<string, string>> = {
  'src/telemetry/instruments.ts': 'it creates those of the catalogue',
  'src/telemetry/custom-metric.ts': 'it creates those of users',
  'src/telemetry/sdk-meter.ts': 'it passes on what the others create',
};

/** So that nothing of ours is recorded that the catalogue does not list. */
export const instrumentsComeFromOnePlace: Rule = (sources) =>
  sources
    .filter(({ path }) => path.startsWith('src/') && !Object.hasOwn(CREATING, path))
    .flatMap(({ path, calls }) =>
      [...calls].filter((name) => CREATOR.test(name)).map((name) => `${path}: calls ${name}`),
    );

export interface Sizes {
  /** In steps of ten. */
  readonly longest: number;
  readonly over200: number;
}

/** A limit that has become too wide is as wrong as one that is exceeded: sizes only fall. Tables of data have no limit. */
export const sizesOnlyFall =
  ({ longest, over200 }: Sizes): Rule =>
  (sources) => {
    const counted = sources.filter(({ path }) => !/^src\/(telemetry\/catalogue|dialects)\//.test(path));
    const long = counted.filter(({ lines }) => lines > 200).map(({ path, lines }) => `${path} (${lines})`);
    const found = {
      longest: Math.ceil(Math.max(...counted.map(({ lines }) => lines)) / 10) * 10,
      over200: long.length,
    };
    const named = long.join(', ');
    return [
      ...compare('the longest file', found.longest, longest),
      ...compare('files over 200 lines', found.over200, over200),
    ].map((problem) => (named === '' ? problem : `${problem}: ${named}`));
  };

function compare(what: string, found: number, limit: number): string[] {
  if (found > limit) return [`${what}: ${found} exceeds ${limit}`];
  return found < limit ? [`${what}: lower the limit of ${limit} to ${found}`] : [];
}
