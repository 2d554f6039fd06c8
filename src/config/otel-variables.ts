import { readPairs, type OtelEnv } from './env.ts';
import { otlpSettings } from './otlp-variables.ts';
import { isMapping, pathText, type Path } from './paths.ts';
import { shown } from './problems.ts';
import { readAddress, readMilliseconds } from './values.ts';

type Mapping = Readonly<Record<string, unknown>>;

export interface Variables {
  readonly otel: OtelEnv;
  /** `text` is a whole message; `path` is the key that the variable stands in for. */
  readonly report: (text: string, path?: Path) => void;
  /** Is told what messages call what is at `path`: a variable, or a part of one. */
  readonly fill: (path: Path, name: string) => void;
}

/**
 * Fills the keys that the YAML file leaves out from the standard variables of OpenTelemetry. A variable that no key needs is not
 * looked at; those of OTLP are for the destinations that name no endpoint of their own, and for them only.
 */
export function withOtelVariables(input: Mapping, variables: Variables): Mapping {
  return {
    ...input,
    ...resource(input, variables),
    ...listen(input, variables),
    ...telemetry(input, variables),
    ...push(input, variables),
  };
}

function resource({ resource = {} }: Mapping, { otel, report, fill }: Variables): Mapping {
  if (!isMapping(resource)) return {};
  const attributes = readPairs(otel.OTEL_RESOURCE_ATTRIBUTES ?? '', (place) =>
    report(`OTEL_RESOURCE_ATTRIBUTES must be KEY=VALUE,... with percent-encoded values (entry ${place} is not)`),
  );
  const name = otel.OTEL_SERVICE_NAME;
  for (const key of Object.keys(attributes))
    if (!Object.hasOwn(resource, key)) fill(['resource', key], pathText(['OTEL_RESOURCE_ATTRIBUTES', key]));
  return { resource: { ...attributes, ...(name !== undefined && { 'service.name': name }), ...resource } };
}

function listen({ listen = {} }: Mapping, { otel, report, fill }: Variables): Mapping {
  const { OTEL_EXPORTER_PROMETHEUS_HOST: host, OTEL_EXPORTER_PROMETHEUS_PORT: port } = otel;
  if (!isMapping(listen) || 'metrics' in listen || (host ?? port) === undefined) return {};
  const bracketed = host?.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host;
  const metrics = `${bracketed ?? '127.0.0.1'}:${port ?? 9464}`;
  fill(['listen', 'metrics'], `OTEL_EXPORTER_PROMETHEUS_${port === undefined ? 'HOST' : 'PORT'}`);
  if (readAddress(metrics) !== undefined) return { listen: { ...listen, metrics } };
  const names = 'OTEL_EXPORTER_PROMETHEUS_HOST and OTEL_EXPORTER_PROMETHEUS_PORT';
  report(`${names} must be a host and a port (got ${shown(metrics)})`, ['listen', 'metrics']);
  return {};
}

function telemetry({ telemetry = {} }: Mapping, { otel, report }: Variables): Mapping {
  const given = otel.OTEL_METRICS_EXEMPLAR_FILTER;
  if (!isMapping(telemetry) || 'exemplar_filter' in telemetry || given === undefined) return {};
  // That engine has no exemplars to be filtered.
  if (telemetry.engine === 'sdk') return {};
  const filter = given.toLowerCase();
  if (/^(always_on|always_off|trace_based)$/.test(filter))
    return { telemetry: { ...telemetry, exemplar_filter: filter } };
  const wanted = 'must be always_on, always_off or trace_based';
  report(`OTEL_METRICS_EXEMPLAR_FILTER ${wanted} (got ${shown(given)})`, ['telemetry', 'exemplar_filter']);
  return {};
}

function push({ push: given }: Mapping, variables: Variables): Mapping {
  const { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: own, OTEL_EXPORTER_OTLP_ENDPOINT: general } = variables.otel;
  const push = given === undefined && (own ?? general) !== undefined ? [{ name: 'default' }] : given;
  if (!Array.isArray(push)) return {};
  return {
    push: push.map((destination: unknown, index) => {
      if (!isMapping(destination)) return destination;
      const path = ['push', index];
      const settings = 'endpoint' in destination ? {} : otlpSettings({ destination, path, ...variables });
      return { ...interval({ destination, path, ...variables }), ...settings, ...destination };
    }),
  };
}

function interval({
  destination,
  path,
  otel,
  report,
  fill,
}: Variables & { destination: Mapping; path: Path }): Mapping {
  const given = otel.OTEL_METRIC_EXPORT_INTERVAL;
  if ('interval' in destination || given === undefined) return {};
  fill([...path, 'interval'], 'OTEL_METRIC_EXPORT_INTERVAL');
  const interval = readMilliseconds(given);
  if (interval !== undefined) return { interval };
  const wanted = 'must be a whole number of milliseconds, from 1 to 86400000';
  report(`OTEL_METRIC_EXPORT_INTERVAL ${wanted} (got ${shown(given)})`, [...path, 'interval']);
  return {};
}
