import { protocols } from '../../../src/serving/protocols/index.ts';
import { createProxy } from '../../../src/serving/proxy/index.ts';
import type { Measurements } from '../../../src/serving/proxy/measurements.ts';
import { createTelemetry } from '../../../src/telemetry/index.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { gatewayConfig } from './config.ts';
import { announce } from '../../serving.ts';

const nothing = (): void => {};
const measurements: Measurements = {
  received: nothing,
  waiting: nothing,
  waited: nothing,
  dispatched: nothing,
  retried: nothing,
  ended: nothing,
  unreadable: nothing,
};

/** metergate's proxy while nobody measures: what the gateway lacks of its speed is the price of telemetry. */
const { listen, limits, upstreams } = gatewayConfig();
const { instruments, events } = createTelemetry();
const proxy = createProxy({
  address: listen.inference,
  upstreams: upstreams.map((upstream) => ({ ...upstream, protocol: protocols[upstream.protocol](upstream) })),
  limits,
  accessLog: undefined,
  measurements,
  instruments,
  events,
  logger: silentLogger,
});
await proxy.start();
announce({ url: proxy.url });
