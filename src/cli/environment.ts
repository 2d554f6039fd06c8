/** What the command line has of the process around it, passed in so that tests can give their own. */
export interface Environment {
  /** Of metergate. */
  readonly version: string;
  /** Environment variables; the OTLP ones are taken out of it when a configuration is loaded. */
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Resolves at the first SIGTERM or SIGINT; the second one ends the process at once with exit code 1. */
  readonly interrupted: () => Promise<void>;
}
