/** The standard `OTEL_*` variables that are set, trimmed; blank is unset (OpenTelemetry specification, "Environment Variable Specification"). */
export type OtelEnv = Readonly<Record<string, string>>;

/**
 * Reads the standard variables out of `env` and DELETES every `OTEL_EXPORTER_OTLP_*` from it. The official exporter reads those by itself,
 * whatever it was told, and adds the headers in them to those of every destination: one destination's credentials would reach the
 * others. Only what the configuration hands to a destination may reach it.
 */
export function takeOtelEnv(env: Record<string, string | undefined>): OtelEnv {
  const taken: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('OTEL_')) continue;
    if (value?.trim()) taken[name] = value.trim();
    if (name.startsWith('OTEL_EXPORTER_OTLP_')) Reflect.deleteProperty(env, name);
  }
  return taken;
}

/** Kubernetes gives this variable to every container of every pod. */
export function isInPod(env: Readonly<Record<string, string | undefined>>): boolean {
  return Boolean(env.KUBERNETES_SERVICE_HOST);
}

/**
 * Reads `key=value,key=value` with percent-encoded values, as W3C Baggage has it but for the properties
 * (https://opentelemetry.io/docs/specs/otel/resource/sdk/#specifying-resource-information-via-an-environment-variable).
 *
 * @param report gets the place (from 1) of each entry that is none; it is left out.
 */
export function readPairs(text: string, report: (place: number) => void): Record<string, string> {
  const pairs: [string, string][] = [];
  text.split(',').forEach((entry, index) => {
    if (entry.trim() === '') return;
    const { key = '', value = '' } = /^(?<key>[^=]*)=(?<value>.*)$/s.exec(entry)?.groups ?? {};
    try {
      if (key.trim() === '') throw new URIError();
      pairs.push([decodeURIComponent(key.trim()), decodeURIComponent(value.trim())]);
    } catch (error) {
      if (!(error instanceof URIError)) throw error;
      report(index + 1);
    }
  });
  return Object.fromEntries(pairs);
}
