import * as z from 'zod';
import { instrumentBuckets, telemetry } from './instrument-schema.ts';
import {
  address,
  choice,
  count,
  duration,
  filled,
  flag,
  headerName,
  label,
  list,
  name,
  section,
  size,
  string,
  text,
} from './kinds.ts';
import { PROTOCOLS } from './protocols.ts';
import { pull } from './pull-schema.ts';
import { matching, readEndpoint, readUpstreamUrl } from './values.ts';

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
  limits: section({
    requests_in_flight: count().default(1024).describe('Requests served at one time; more are answered 503.'),
    connections: count().default(10_000).describe('Open connections of each listener; more are closed at once.'),
    header_size: size('16KiB').describe('All headers of one request together; more are answered 431.'),
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
  push: list(destination()).prefault([]).describe('Where the metrics are sent to by OTLP.'),
  observables: section({
    host: observable('CPU and memory of the host.'),
    process: observable('CPU, memory and uptime of the gateway itself.'),
  })
    .prefault({})
    .describe('Readings of the machine.'),
  shutdown: section({
    delay: duration(0).prefault('0s').describe('How long requests are still accepted after readiness is withdrawn.'),
    timeout: duration().prefault('25s').describe('How long requests in flight and the last push may take after that.'),
  })
    .prefault({})
    .describe('What happens at SIGTERM and SIGINT.'),
}).meta({ title: 'metergate configuration' });

function upstream() {
  return section({
    name: name().describe('Value of inference.upstream.name; unique.'),
    url: text(readUpstreamUrl, 'must be an http or https URL without user information, query or fragment').describe(
      'Where the server is; a base path is put before the path of each request.',
    ),
    path_prefix: text(matching(/^\/[^\s?#]*$/), 'must be a path that starts with /')
      .prefault('/')
      .describe(
        'Requests below it go to this upstream, the prefix of most segments first; the path of url takes its place. Without percent-encoding; unique.',
      ),
    protocol: choice(...PROTOCOLS)
      .default('open-inference')
      .describe('The inference API that the server speaks.'),
    routes: list(
      section({
        path: text(
          matching(/^(\/|(\/(?!\.{1,2}(\/|$))[^\s/?#%*{}]+)+)$/),
          'must be a path such as /classify, without percent-encoding and without a slash at its end',
        ).describe('Below path_prefix.'),
        task: flag().default(false).describe('Whether it is a task, which also has /submit, /status, /get and so on.'),
      }),
    )
      .prefault([])
      .describe('Paths that ask for a prediction; the protocols bentoml and auto have them.'),
    labels: z
      .record(z.string().min(1, 'must have a key that is not empty'), string(), 'must be a mapping')
      .default({})
      .describe('Attributes put on every inference.* series of this upstream, beside those that metergate sets.'),
    instruments: instrumentBuckets()
      .default({})
      .describe('Histograms that have buckets of their own for this upstream, by their names.'),
    models: list(
      section({
        name: label().describe('Name in the path of the request, or of the one model that the server has.'),
        version: label().optional().describe('Version in the path of the request, or of that one model.'),
        instruments: instrumentBuckets()
          .optional()
          .describe('Histograms that have other buckets for this model than for its upstream, by their names.'),
      }),
    )
      .prefault([])
      .describe('Models known from the start; another one becomes known by its first 2xx response.'),
    timeouts: section({
      connect: duration().prefault('5s').describe('To open a connection, TLS included.'),
      response_headers: duration()
        .prefault('60s')
        .describe('From the end of the request to the headers of the response.'),
      idle: duration()
        .prefault('60s')
        .describe(
          'Between two parts of the response (then it is cut off), between two parts of the request body (then 408), and while the downstream takes nothing of its response (then its connection is closed).',
        ),
    })
      .prefault({})
      .describe('How long the upstream may take before the answer is 504; idle watches over the downstream, too.'),
  });
}

function destination() {
  return section({
    name: name().describe('Value of metergate.destination; unique.'),
    protocol: choice('grpc').default('grpc').describe('The transport of OTLP.'),
    endpoint: text(
      readEndpoint,
      'must be an http or https URL without path, user information, query or fragment',
    ).describe('http is plain text, https is TLS.'),
    interval: duration().prefault('60s').describe('From one push to the next.'),
    timeout: duration().optional().describe('How long one push may take; must not exceed interval.'),
    headers: z
      .record(
        headerName(),
        text(matching(/^[\x20-\x7e]*$/), 'must be a string of printable ASCII characters'),
        'must be a mapping',
      )
      .prefault({})
      .describe('Sent with every push; the values are never shown.'),
    compression: choice('none', 'gzip').default('none').describe('Compression of what is sent.'),
    temporality_preference: choice('cumulative', 'delta', 'low_memory')
      .default('cumulative')
      .describe('Temporality of counters and histograms.'),
    tls: section({
      ca_file: filled().optional().describe('Certificates (PEM) to trust instead of those that Node.js trusts.'),
      cert_file: filled().optional().describe('Certificate chain (PEM) of the gateway; goes with key_file.'),
      key_file: filled().optional().describe('Private key (PEM) of cert_file.'),
    })
      .optional()
      .describe('Only with an https endpoint.'),
  });
}

function observable(description: string) {
  return section({
    enabled: flag().default(true).describe('Whether they are read.'),
    // systeminformation repeats its last reading of a load for 200 ms.
    interval: duration(250)
      .prefault('5s')
      .describe('From one sample to the next, at least 250ms; a collection shows the last one.'),
  })
    .prefault({})
    .describe(description);
}
