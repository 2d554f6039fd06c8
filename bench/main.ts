import { parseArgs } from 'node:util';
import { CannotRun, type Bench, type BenchOptions, type Report } from './bench.ts';
import { observeBench } from './observe/index.ts';
import { proxyBench } from './proxy/index.ts';
import { pushBench } from './push/index.ts';
import { recordBench } from './record/index.ts';
import { scrapeBench } from './scrape/index.ts';
import { formatTable } from './table.ts';

const benches: Readonly<Record<string, Bench>> = {
  record: recordBench,
  scrape: scrapeBench,
  proxy: proxyBench,
  observe: observeBench,
  push: pushBench,
};

/** From the start to the end of the process. */
const BUDGET_MS = 50_000;
/** For what comes after the last measurement, and for one that takes longer than any before it. */
const MARGIN_MS = 4_000;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** By signal; what a benchmark has started ends with the process. */
const EXITS_INTERRUPTED = { SIGINT: 130, SIGTERM: 143 } as const;

const asked = readArguments();
if (typeof asked === 'string') {
  process.stderr.write(`${asked}\n${usage()}`);
  process.exitCode = EXIT_USAGE;
} else {
  for (const [signal, code] of Object.entries(EXITS_INTERRUPTED)) process.once(signal, () => process.exit(code));
  const report = await runBench(asked.bench, {
    quick: asked.quick,
    deadlineMs: BUDGET_MS - MARGIN_MS,
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  if (report) process.stdout.write(asked.json ? toJson({ bench: asked.name, ...report }) : formatTable(report));
}

/** @returns undefined if this machine cannot run it. */
async function runBench(bench: Bench, options: BenchOptions): Promise<Report | undefined> {
  try {
    return await bench(options);
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = EXIT_FAILED;
    return undefined;
  }
}

function toJson(report: Report & { bench: string }): string {
  return `${JSON.stringify(report, (_, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value))}\n`;
}

function usage(): string {
  return `usage: npm run bench -- NAME [--json] [--quick]

  NAME     one of: ${Object.keys(benches).join(' ')}
  --json   print one JSON object, and nothing else, on standard output
  --quick  one short round, to see that it runs; its figures are worth nothing
`;
}

/** @returns a sentence if they cannot be used. */
function readArguments(): string | { name: string; bench: Bench; json: boolean; quick: boolean } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } },
    });
    const [name, extra] = positionals;
    if (name === undefined) return 'which benchmark?';
    if (extra !== undefined) return `one benchmark at a time (got ${positionals.join(' ')})`;
    const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
    return bench === undefined ? `there is no benchmark ${name}` : { name, bench, ...values };
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
}
