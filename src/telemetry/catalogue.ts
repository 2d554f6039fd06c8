import { container } from './catalogue/container.ts';
import type { InstrumentDefinition } from './catalogue/definition.ts';
import { gpu } from './catalogue/gpu.ts';
import { host } from './catalogue/host.ts';
import { metergate } from './catalogue/metergate.ts';
import { process } from './catalogue/process.ts';
import { push } from './catalogue/push.ts';
import { serving } from './catalogue/serving.ts';

export type { InstrumentDefinition } from './catalogue/definition.ts';

/**
 * The one list of every instrument: what it is called, counts and carries. `docs/metrics.md`, the dashboard and the dialects
 * are checked against it by tests. Names are those of the OpenTelemetry semantic conventions where one exists
 * (https://opentelemetry.io/docs/specs/semconv/); the rest is `inference.*` (model serving), `container.*` (what the conventions do not
 * say of limits), `metergate.host.*`, `metergate.process.*`, `metergate.gpu.*` and `metergate.*` (the gateway itself).
 */
export const catalogue = {
  ...serving,
  ...host,
  ...container,
  ...process,
  ...gpu,
  ...metergate,
  ...push,
} as const satisfies Record<string, InstrumentDefinition>;

export type InstrumentName = keyof typeof catalogue;
