import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
export type LogFields = Readonly<Record<string, unknown>>;

/** Start, stop and changes of state go here; what happens per item is a counter. Never a payload, token or header value. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: 'json' | 'pretty';
}

/** JSON lines (or, for people, coloured ones) on standard error, written synchronously so that none is lost at exit. */
export async function createLogger({ level, format }: LoggerOptions): Promise<Logger> {
  let destination: DestinationStream = pino.destination({ dest: 2, sync: true });
  if (format === 'pretty') {
    const { PinoPretty } = await import('pino-pretty');
    destination = PinoPretty({ destination: 2, sync: true, ignore: 'pid,hostname' });
  }
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  return fromPino(pino({ ...options, formatters: { level: (label) => ({ level: label }) } }, destination));
}

/** Drops everything: for programs that only report at their end, and for tests. */
export const silentLogger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function fromPino(log: PinoLogger): Logger {
  return {
    debug: (message, fields = {}) => log.debug(fields, message),
    info: (message, fields = {}) => log.info(fields, message),
    warn: (message, fields = {}) => log.warn(fields, message),
    error: (message, fields = {}) => log.error(fields, message),
  };
}
