import { format } from 'node:util';
import { setLogger as setGrpcLogger } from '@grpc/grpc-js';
import { diag, DiagLogLevel } from '@opentelemetry/api';
import type { Logger } from '../telemetry/logger.ts';

/** The gRPC library has a line for every attempt to connect that fails. */
const SAME_EVERY_MS = 3_600_000;
const TEXTS_MAX = 100;

/** What libraries have to say goes where everything else goes: of its own accord that of gRPC writes plain text to standard error. */
export function logLibraries(logger: Logger): void {
  const lineOf =
    (name: string, level: keyof Logger) =>
    (...message: unknown[]): void =>
      logger[level](name, { message: format(...message) });
  const sdk = (level: keyof Logger) => lineOf('OpenTelemetry SDK', level);
  const debug = sdk('debug');
  diag.setLogger(
    { error: sdk('error'), warn: sdk('warn'), info: sdk('info'), debug, verbose: debug },
    DiagLogLevel.WARN,
  );
  const grpcDebug = lineOf('gRPC library', 'debug');
  setGrpcLogger({ error: oftenOnce(lineOf('gRPC library', 'warn')), info: grpcDebug, debug: grpcDebug });
}

/** @returns what says the same once in an hour. */
function oftenOnce(say: (text: string) => void): (...message: unknown[]) => void {
  const saidMs = new Map<string, number>();
  return (...message) => {
    // Of a header that it cannot read it has the value, too.
    const text = format(...message).replace(/^(Failed to add metadata entry [^:]*):[^]*$/, '$1');
    const nowMs = performance.now();
    if (nowMs - (saidMs.get(text) ?? -Infinity) < SAME_EVERY_MS) return;
    if (saidMs.size >= TEXTS_MAX) saidMs.clear();
    saidMs.set(text, nowMs);
    say(text);
  };
}
