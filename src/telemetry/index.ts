import { createEvents, type Events } from './events.ts';
import type { Engine, EngineOptions } from './engine.ts';
import { createInstruments, type Instruments } from './instruments.ts';
import type { Logger } from './logger.ts';
import { createSdkEngine } from './sdk-engine.ts';

/** What the rest of the program records with, and what the ways out collect from. */
export interface Telemetry {
  readonly engine: Engine;
  readonly instruments: Instruments;
  readonly events: Events;
}

export function createTelemetry(options: EngineOptions & { readonly logger: Logger }): Telemetry {
  const engine = createSdkEngine(options);
  const instruments = createInstruments(engine);
  const attributes = { 'service.version': options.version, 'process.runtime.version': process.versions.node };
  instruments.observe('metergate.build_info', (observe) => observe(1, attributes));
  return { engine, instruments, events: createEvents(instruments, options.logger) };
}
