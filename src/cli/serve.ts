import { loadConfig } from '../config/index.ts';
import { createGateway } from '../gateway.ts';
import { readInventory } from '../observables/inventory.ts';
import { errorText } from '../std/error-text.ts';
import { createLogger } from '../telemetry/logger.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { reportProblems } from './check-config.ts';
import type { Environment } from './environment.ts';
import { logLibraries } from './library-logs.ts';

/** Runs the gateway until it is interrupted. */
export async function serve({ file }: { file: string }, environment: Environment): Promise<ExitCode> {
  const loaded = await loadConfig({ file, env: environment.env });
  if (!loaded.ok) return reportProblems(file, loaded.problems, environment);

  const { config } = loaded;
  const logger = await createLogger(config.log);
  logLibraries(logger);
  for (const warning of loaded.warnings) logger.warn('configuration', { warning });
  const inventory = await readInventory({ root: config.observables.host.root });
  const gateway = createGateway({ config, logger, version: environment.version, inventory });
  const interrupted = environment.interrupted();
  try {
    // A start may hang.
    await Promise.race([gateway.start(), interrupted]);
  } catch (error) {
    logger.error('start failed', { error: error instanceof Error ? error.message : errorText(error) });
    return EXIT.failed;
  }
  await interrupted;
  await gateway.shutdown();
  return EXIT.done;
}
