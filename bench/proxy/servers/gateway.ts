import { createGateway } from '../../../src/gateway.ts';
import { countBuffersInGlobalLimit } from '../../../src/main.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { gatewayConfig } from './config.ts';
import { announce } from '../../serving.ts';

/** metergate with all that it measures, as the command runs it. */
countBuffersInGlobalLimit();
const logger = await createLogger({ level: 'warn', format: 'json' });
const gateway = createGateway({ config: gatewayConfig(), logger, version: '0.0.0' });
await gateway.start();
announce({ url: gateway.urls.inference, metricsUrl: `${gateway.urls.metrics}/metrics` });
