import * as prometheusIo from '@prometheus-io/client';
import * as promClient from 'prom-client';

export type Client = typeof promClient;
export type Registry = promClient.Registry<promClient.RegistryContentType>;

/** One continues the other, and what differs in their types is not used here. */
export const clients: Readonly<Record<string, Client>> = {
  '@prometheus-io/client': prometheusIo as unknown as Client,
  'prom-client': promClient,
};

/** The one that keeps exemplars. */
export function createOpenMetricsRegistry(client: Client) {
  const registry = new client.Registry<promClient.OpenMetricsContentType>();
  registry.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE);
  return registry;
}
