import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { core } from 'zod';
import { checkAcrossKeys } from './checks.ts';
import type { Config } from './config.ts';
import { checkDestinations } from './destination-checks.ts';
import { readYaml } from './document.ts';
import { takeOtelEnv } from './env.ts';
import { checkFilters } from './filter-checks.ts';
import { checkInstruments } from './instrument-checks.ts';
import { configJsonSchema, schemaAt } from './json-schema.ts';
import { checkLabels } from './label-checks.ts';
import { nearest } from './nearest.ts';
import { withOtelVariables } from './otel-variables.ts';
import { isMapping, pathText, valueAt, type Path } from './paths.ts';
import { collectProblems, shown, type Problems } from './problems.ts';
import { checkProtocols } from './protocol-checks.ts';
import { checkQueues } from './queue-checks.ts';
import { configSchema } from './schema.ts';
import { substitute, whyUnreadable } from './substitute.ts';
import { toConfig } from './to-config.ts';
import { checkUpstreams } from './upstream-checks.ts';

/**
 * `problems`: complete messages, all that there are, in the order of the file; those of environment variables are last. `warnings`: the same of
 * what is hardly meant so.
 */
export type LoadResult =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] };

export interface ParseOptions {
  /** YAML. */
  readonly text: string;
  /** What messages call the text: the name of the file. */
  readonly source: string;
  /** For `${NAME}`, the standard `OTEL_*` variables, proxies, and whether this is a Kubernetes pod. Its `OTEL_EXPORTER_OTLP_*` are DELETED: see `takeOtelEnv`. */
  readonly env: Record<string, string | undefined>;
  /** For `${file:/path}`: returns the content, throws what `node:fs` throws. */
  readonly readFile: (path: string) => string;
}

const CHECKS = [
  checkAcrossKeys,
  checkUpstreams,
  checkLabels,
  checkDestinations,
  checkFilters,
  checkQueues,
  checkInstruments,
  checkProtocols,
];

/** Reads the configuration from a file; a file that cannot be read is a problem as well. */
export async function loadConfig({ file, env }: { file: string; env: ParseOptions['env'] }): Promise<LoadResult> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    return { ok: false, problems: [`cannot read ${file}: ${whyUnreadable(error)}`] };
  }
  return parseConfig({ text, source: file, env, readFile: (path) => readFileSync(path, 'utf8') });
}

/** YAML, then substitution, then the standard variables, then the schema with its defaults, then checks across keys. */
export function parseConfig({ text, source, env, readFile }: ParseOptions): LoadResult {
  const substitutions = { env: { ...env }, readFile };
  const otel = takeOtelEnv(env);
  const { document, problems: yamlProblems } = readYaml({ text, source });
  const problems = collectProblems();
  yamlProblems.forEach((problem) => problems.add(problem));
  if (yamlProblems.some(({ fatal }) => fatal)) return { ok: false, problems: problems.list() };
  if (!isMapping(document.value)) return { ok: false, problems: [notAMapping(source, document.value)] };

  const schema = configJsonSchema();
  /** By `pathText`, of what is not in the file. */
  const variables = new Map<string, string>();
  const named = (path: Path): string => variables.get(pathText(path)) ?? pathText(path);
  const reportTo = (list: Problems, path: Path, sentence: string): void => {
    const position = variables.has(pathText(path)) ? Infinity : document.positionOf(path);
    list.add({ path, text: `${named(path)} ${sentence}`, position });
  };
  const report = (path: Path, sentence: string): void => reportTo(problems, path, sentence);
  const typeAt = (path: Path): unknown => schemaAt(schema, path)?.type;
  const { value, templates } = substitute(document.value, { ...substitutions, typeAt, report });
  const input = withOtelVariables(value as Readonly<Record<string, unknown>>, {
    otel,
    report: (text, path) => problems.add({ path, text, position: Infinity }),
    fill: (path, name) => variables.set(pathText(path), name),
  });

  const valueOrDefault = (path: Path): unknown => {
    const given = valueAt(input, path);
    return given === undefined ? schemaAt(schema, path)?.default : given;
  };
  const shownAt = (path: Path): string => {
    if (path.includes('headers')) return 'a value that is not shown';
    return shown(templates.get(pathText(path)) ?? valueOrDefault(path));
  };
  const reportValue = (path: Path, wanted: string): void => {
    const missing = valueOrDefault(path) === undefined;
    report(path, missing ? `is missing: it ${wanted}` : `${wanted} (got ${shownAt(path)})`);
  };

  const parsed = configSchema.safeParse(input);
  for (const issue of parsed.error?.issues ?? []) {
    const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
    if (issue.code === 'unrecognized_keys') {
      const known = Object.keys(schemaAt(schema, path)?.properties ?? {});
      issue.keys.forEach((key) => report([...path, key], `is not a known key (${hint(key, known)})`));
    } else reportValue(path, wanted(issue));
  }
  const warnings = collectProblems();
  const warn = (path: Path, sentence: string): void => reportTo(warnings, path, sentence);
  const checks = { env, value: valueOrDefault, shown: shownAt, named, report: reportValue, reportKey: report, warn };
  for (const check of CHECKS) check(checks);

  const found = problems.list();
  return parsed.success && found.length === 0
    ? { ok: true, config: toConfig(parsed.data, env), warnings: warnings.list() }
    : { ok: false, problems: found };
}

/** Says nothing of what is there: it may be that the file is another one, with secrets in it. */
function notAMapping(source: string, value: unknown): string {
  const fault = value === null || value === undefined ? 'is empty' : 'must be a mapping of keys';
  return `${source} ${fault}: it needs at least upstreams: [{ name: iris, url: "http://127.0.0.1:8080" }]`;
}

function hint(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  return near === undefined ? `known here: ${known.join(', ')}` : `did you mean ${near}?`;
}

function wanted(issue: core.$ZodIssue): string {
  const [reason = issue] = issue.code === 'invalid_key' ? issue.issues : [];
  return reason.message;
}
