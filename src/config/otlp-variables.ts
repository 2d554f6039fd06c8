import { readPairs, type OtelEnv } from './env.ts';
import { pathText, type Path } from './paths.ts';
import { shown } from './problems.ts';
import { matching, readEndpoint, readMilliseconds, readUpstreamUrl } from './values.ts';

type Mapping = Readonly<Record<string, unknown>>;

export interface OtlpOptions {
  readonly otel: OtelEnv;
  /** As the YAML file has it, without `endpoint`. */
  readonly destination: Mapping;
  readonly path: Path;
  readonly report: (text: string, path?: Path) => void;
  /** Is told what messages call what is at `path`: a variable, or a part of one. */
  readonly fill: (path: Path, name: string) => void;
}

interface Setting {
  readonly key: string;
  /** What follows `OTEL_EXPORTER_OTLP_METRICS_` or, where the setting is not one of metrics only, `OTEL_EXPORTER_OTLP_`. */
  readonly variable: string;
  readonly metricsOnly?: boolean;
  /** Not given = whatever the protocol is. */
  readonly protocol?: 'grpc' | 'http/protobuf';
  readonly read: (text: string, variables: { readonly otel: OtelEnv; readonly name: string }) => string | undefined;
  readonly wanted: string;
}

/** The variable and the key of the declarative configuration differ in one word. */
const TEMPORALITIES = new Map([
  ['cumulative', 'cumulative'],
  ['delta', 'delta'],
  ['lowmemory', 'low_memory'],
]);

/** https://opentelemetry.io/docs/specs/otel/protocol/exporter/ and, for the temporality, .../metrics/sdk_exporters/otlp/. */
const SETTINGS: readonly Setting[] = [
  {
    key: 'protocol',
    variable: 'PROTOCOL',
    read: matching(/^(grpc|http\/protobuf)$/),
    wanted: 'must be grpc or http/protobuf',
  },
  {
    key: 'endpoint',
    variable: 'ENDPOINT',
    protocol: 'http/protobuf',
    read: readHttpEndpoint,
    wanted: 'must be an http or https URL without user information, query or fragment',
  },
  {
    key: 'endpoint',
    variable: 'ENDPOINT',
    protocol: 'grpc',
    read: readGrpcEndpoint,
    wanted: 'must be an http or https URL without path, user information, query or fragment',
  },
  {
    key: 'timeout',
    variable: 'TIMEOUT',
    read: readMilliseconds,
    wanted: 'must be a whole number of milliseconds, from 1 to 86400000',
  },
  { key: 'compression', variable: 'COMPRESSION', read: matching(/^(none|gzip)$/), wanted: 'must be none or gzip' },
  {
    key: 'temporality_preference',
    variable: 'TEMPORALITY_PREFERENCE',
    metricsOnly: true,
    read: (text) => TEMPORALITIES.get(text.toLowerCase()),
    wanted: 'must be cumulative, delta or lowmemory',
  },
];

/** By keys under `tls`, what follows `OTEL_EXPORTER_OTLP_`. */
const TLS_FILES = { ca_file: 'CERTIFICATE', cert_file: 'CLIENT_CERTIFICATE', key_file: 'CLIENT_KEY' };

/** @returns what the variables say about the keys that the destination leaves out. */
export function otlpSettings(options: OtlpOptions): Mapping {
  const { otel, destination, path, report, fill } = options;
  const settings: Record<string, unknown> = {};
  for (const { key, variable, metricsOnly, protocol, read, wanted } of SETTINGS) {
    const isHttp = { ...settings, ...destination }.protocol === 'http/protobuf';
    if (protocol !== undefined && (protocol === 'http/protobuf') !== isHttp) continue;
    const found = key in destination ? undefined : lookUp(otel, variable, metricsOnly);
    if (found === undefined) continue;
    fill([...path, key], found.name);
    settings[key] = read(found.value, { otel, name: found.name });
    if (settings[key] === undefined) {
      report(`${found.name} ${wanted} (got ${shown(found.value)})`, [...path, key]);
    }
  }
  if (!('headers' in destination)) settings.headers = headers(options);
  // Certificates in the environment are for TLS, whichever destination it may be; a plain-text one does not object to them.
  if (!('tls' in destination) && String(settings.endpoint).startsWith('https:')) settings.tls = tls(options);
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function lookUp(otel: OtelEnv, variable: string, metricsOnly = false): { name: string; value: string } | undefined {
  for (const prefix of ['OTEL_EXPORTER_OTLP_METRICS_', ...(metricsOnly ? [] : ['OTEL_EXPORTER_OTLP_'])]) {
    const value = otel[prefix + variable];
    if (value !== undefined) return { name: prefix + variable, value };
  }
  return undefined;
}

/** Without a scheme it is TLS, unless INSECURE says otherwise; that variable means nothing where there is a scheme. */
function readGrpcEndpoint(text: string, { otel }: { otel: OtelEnv }): string | undefined {
  const insecure = lookUp(otel, 'INSECURE')?.value.toLowerCase() === 'true';
  return readEndpoint(text.includes('://') ? text : `${insecure ? 'http' : 'https'}://${text}`);
}

/** That of metrics is taken as it is, with the path `/` if it has none; the general one is what `v1/metrics` goes behind. */
function readHttpEndpoint(text: string, { name }: { name: string }): string | undefined {
  const url = readUpstreamUrl(text)?.href;
  return name === 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT' ? url : url?.replace(/\/?$/, '/v1/metrics');
}

/** Both variables together, those of metrics winning in any case of letters, as the official exporter does. */
function headers({ otel, path, report, fill }: OtlpOptions): Mapping {
  const headers: [string, string][] = [];
  for (const name of ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_METRICS_HEADERS']) {
    const given = readPairs(otel[name] ?? '', (place) =>
      report(`${name} must be KEY=VALUE,... with percent-encoded values (entry ${place} is not)`),
    );
    for (const [key, value] of Object.entries(given)) {
      const header = key.toLowerCase();
      headers.push([header, value]);
      fill([...path, 'headers', header], pathText([name, header]));
    }
  }
  return Object.fromEntries(headers);
}

function tls({ otel, path, fill }: OtlpOptions): Mapping | undefined {
  const files = Object.entries(TLS_FILES).flatMap(([key, variable]) => {
    const found = lookUp(otel, variable);
    fill([...path, 'tls', key], found?.name ?? `OTEL_EXPORTER_OTLP_${variable}`);
    return found ? [[key, found.value]] : [];
  });
  return files.length > 0 ? (Object.fromEntries(files) as Mapping) : undefined;
}
