import * as z from 'zod';
import { telemetry } from './instrument-schema.ts';
import { address, choice, count, duration, filled, flag, list, section, size } from './kinds.ts';
import { observables } from './observables-schema.ts';
import { pull } from './pull-schema.ts';
import { push } from './push-schema.ts';
import { upstream } from './upstream-schema.ts';

const AT_LEAST_ONE = 'must be a list of at least one upstream';

/**
 * The shape of the YAML file. Every error text is the second half of a sentence that starts with the key path; what the
 * schema cannot see (keys that depend on each other) is in checks.ts.
 */
export const configSchema = section({
  resource: z
    .record(
      z.string().min(1, 'must have a key that is not empty'),
      z.union([z.string(), z.number(), z.boolean()], 'must be a string, a number, true or false'),
      'must be a mapping',
    )
    .default({ 'service.name': 'metergate' })
    .describe(
      'Attributes of the resource that every series belongs to; service.name is always there, a string that is not empty.',
    ),
  listen: section({
    inference: address('127.0.0.1:9480').describe('Where the requests for the upstreams are taken.'),
    management: address('127.0.0.1:9481').describe('Health, readiness and status.'),
    metrics: address('127.0.0.1:9464').describe('Where Prometheus scrapes; only opened with pull.enabled.'),
  })
    .prefault({})
    .describe('Listeners, HOST:PORT or [IPV6]:PORT; port 0 is a free one.'),
  log: section({
    level: choice('debug', 'info', 'warn', 'error').default('info').describe('The least severe lines to be written.'),
    format: choice('json', 'pretty').default('json').describe('JSON lines for machines or coloured ones for people.'),
  })
    .prefault({})
    .describe('The log on standard error.'),
  access_log: section({
    enabled: flag().default(false).describe('Whether it is written.'),
    path: filled().default('-').describe('A file that is appended to; - is standard output.'),
  })
    .prefault({})
    .describe('One JSON line per request.'),
  limits: section({
    requests_in_flight: count().default(1024).describe('Requests served at one time; more are answered 503.'),
    connections: count().default(10_000).describe('Open connections of each listener; more are closed at once.'),
    header_size: size({ byDefault: '16KiB', from: '1KiB', to: '1MiB' }).describe(
      'All headers of one request, or response, together; a larger request is answered 431, a larger response 502.',
    ),
    request_body_size: size({ byDefault: '1GiB', from: '1KiB', to: '1TiB' }).describe(
      'Body of one request; a longer one is answered 413.',
    ),
    known_models: count()
      .default(1000)
      .describe('Pairs of model and version, over all upstreams, that get series of their own; more are _other.'),
    scrapes_in_flight: count().default(100).describe('Scrapes answered at one time; more are answered 503.'),
    request_header_timeout: duration()
      .prefault('60s')
      .describe('How long a connection may take to send the headers of a request.'),
  })
    .prefault({})
    .describe('Bounds of what strangers can grow.'),
  telemetry: telemetry(),
  upstreams: list(upstream(), AT_LEAST_ONE).min(1, AT_LEAST_ONE).describe('The model servers behind the gateway.'),
  pull: pull(),
  push: push(),
  observables: observables(),
  shutdown: section({
    delay: duration(0).prefault('0s').describe('How long requests are still accepted after readiness is withdrawn.'),
    timeout: duration().prefault('25s').describe('How long requests in flight and the last push may take after that.'),
  })
    .prefault({})
    .describe('What happens at SIGTERM and SIGINT.'),
}).meta({ title: 'metergate configuration' });
