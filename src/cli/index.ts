import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { checkConfig } from './check-config.ts';
import { printConfigSchema } from './config-schema.ts';
import { demo } from './demo/index.ts';
import type { Environment } from './environment.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { gpu, type GpuCommandOptions } from './gpu.ts';
import { serve } from './serve.ts';

/** @param args what follows the program's name. @returns the exit code, when the command has ended. */
export async function runCli(args: readonly string[], environment: Environment): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  const program = createProgram(environment, (code) => (exitCode = code));
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
}

/** Separate from running it, so that a test can compare its help with the README. */
export function createProgram(environment: Environment, setExitCode: (code: ExitCode) => void): Command {
  const program = new Command('metergate')
    .description('OpenTelemetry-native metrics gateway for model serving')
    .version(environment.version, '--version', 'print the version')
    .helpOption('--help', 'print help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: environment.stdout, writeErr: environment.stderr })
    .showSuggestionAfterError();

  program
    .command('serve')
    .description('run the gateway until SIGTERM or SIGINT; a second signal ends it at once')
    .option('--config <file>', 'configuration file', './metergate.yaml')
    .action(async ({ config }: { config: string }) => setExitCode(await serve({ file: config }, environment)));

  program
    .command('demo')
    .description('run a model server, the gateway and an OTLP sink, send requests, and compare all counts')
    .option('--seconds <n>', 'how long to send requests', parseSeconds, 10)
    .option('--json', 'print the comparison as one JSON object, and nothing else, on standard output', false)
    .option('--keep', 'stay up afterwards, on the default ports, until SIGINT or SIGTERM', false)
    .action(async (options: { seconds: number; json: boolean; keep: boolean }) =>
      setExitCode(await demo(options, environment)),
    );

  program
    .command('gpu')
    .description('print the GPUs that the gateway would see here, and how it would read them')
    .addOption(
      new Option('--backend <name>', 'how to read them')
        .choices(['auto', 'nvidia-smi', 'systeminformation', 'simulated'])
        .default('auto'),
    )
    .option('--nvidia-smi <path>', 'the program nvidia-smi, or its name on the PATH', parseProgram, 'nvidia-smi')
    .option('--json', 'print everything as one JSON object', false)
    .action(async (options: GpuCommandOptions) => setExitCode(await gpu(options, environment)));

  program
    .command('check-config')
    .description('check a configuration file, and list every problem of it')
    .argument('<file>', 'configuration file')
    .action(async (file: string) => setExitCode(await checkConfig({ file }, environment)));

  program
    .command('config-schema')
    .description('print the JSON Schema of the configuration')
    .action(() => printConfigSchema(environment));

  return program;
}

function parseProgram(value: string): string {
  if (value === '') throw new InvalidArgumentError('Wanted: a path, or a name on the PATH.');
  return value;
}

function parseSeconds(value: string): number {
  const seconds = Number(value);
  if (value.trim() === '' || !(seconds >= 1 && seconds <= 3600)) {
    throw new InvalidArgumentError('Wanted: a number of seconds from 1 to 3600.');
  }
  return seconds;
}
