import type { Attributes } from '@opentelemetry/api';
import type { Events } from '../../telemetry/events.ts';
import type { Instruments } from '../../telemetry/instruments.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Replica } from './replicas.ts';
import type { Upstream } from './upstreams.ts';

export interface ReplicaHealthOptions {
  readonly instruments: Instruments;
  readonly events: Events;
  readonly logger: Logger;
  /** Those that are open now. */
  readonly upstreams: () => readonly Upstream[];
}

/** Shows how the replicas are: as a metric, and in the log when it changes. @returns what to call when it has. */
export function showReplicaHealth({
  instruments,
  events,
  logger,
  upstreams,
}: ReplicaHealthOptions): (upstream: string, replica: Replica, healthy: boolean) => void {
  instruments.observe('inference.upstream.healthy', (observe) => {
    for (const { options, replicas } of upstreams())
      for (const replica of replicas.all) observe(replica.health.healthy ? 1 : 0, attributesOf(options.name, replica));
  });
  return (upstream, replica, healthy) => {
    const attributes = attributesOf(upstream, replica);
    if (healthy) logger.info('replica healthy', attributes);
    else events.emit('replica unhealthy', { attributes });
  };
}

function attributesOf(upstream: string, { url }: Replica): Attributes {
  return {
    'inference.upstream.name': upstream,
    'server.address': url.hostname,
    'server.port': Number(url.port || (url.protocol === 'https:' ? 443 : 80)),
  };
}
