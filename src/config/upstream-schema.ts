import * as z from 'zod';
import { instrumentBuckets } from './instrument-schema.ts';
import { choice, count, duration, flag, label, list, name, section, string, text, urls } from './kinds.ts';
import { PROTOCOLS } from './protocols.ts';
import { tlsFiles } from './tls-schema.ts';
import { matching, readHostPattern, readServerName } from './values.ts';

/** A model server; which of its keys depend on each other is in upstream-checks.ts and protocol-checks.ts. */
export function upstream() {
  return section({
    name: name().describe('Value of inference.upstream.name; unique.'),
    url: urls().describe(
      'Where the server is, or a list of where its replicas are; a base path is put before the path of each request.',
    ),
    path_prefix: text(
      matching(/^\/(?!(.*\/)?\.{1,2}(\/|$))[^\s?#%]*$/),
      'must be a path that starts with /, without percent-encoding and dot segments',
    )
      .prefault('/')
      .describe(
        'Requests below it go to this upstream, the prefix of most segments first; the path of url takes its place. Without percent-encoding; unique, unless match tells upstreams apart.',
      ),
    match: match(),
    protocol: choice(...PROTOCOLS)
      .default('open-inference')
      .describe('The inference API that the server speaks.'),
    routes: list(route())
      .prefault([])
      .describe('Paths that ask for a prediction; the protocols bentoml and auto have them.'),
    labels: z
      .record(z.string().min(1, 'must have a key that is not empty'), string(), 'must be a mapping')
      .default({})
      .describe('Attributes put on every inference.* series of this upstream, beside those that metergate sets.'),
    instruments: instrumentBuckets()
      .default({})
      .describe('Histograms that have buckets of their own for this upstream, by their names.'),
    models: list(model())
      .prefault([])
      .describe('Models known from the start; another one becomes known by its first 2xx response.'),
    timeouts: timeouts(),
    requests_in_flight: count()
      .optional()
      .describe(
        'Inference requests (and those of unknown paths) that the upstream is sent at one time; more wait in the queue.',
      ),
    queue: section({
      max_size: count(0).default(100).describe('Requests that may wait; 0 is none.'),
      timeout: duration().prefault('30s').describe('How long one may wait.'),
    })
      .prefault({})
      .describe(
        'Requests that wait because requests_in_flight are there; more are answered 503, and so is one that waited for timeout.',
      ),
    health: health(),
    tls: section({
      ...tlsFiles(),
      server_name: text(readServerName, 'must be a host name, without a port')
        .optional()
        .describe('Name that the certificate of the server must have, in place of the host of url.'),
    })
      .optional()
      .describe('Only with https URLs.'),
  });
}

function match() {
  return section({
    hosts: list(text(readHostPattern, 'must be a host name such as a.example.com or *.example.com, without a port'))
      .prefault([])
      .describe('Only requests whose Host header, without its port, is one of these; all, if there are none.'),
    models: list(label())
      .prefault([])
      .describe('Only requests about one of these models, whatever its version; all, if there are none.'),
  })
    .prefault({})
    .describe('Which of the requests below path_prefix go to this upstream.');
}

function route() {
  return section({
    path: text(
      matching(/^(\/|(\/(?!\.{1,2}(\/|$))[^\s/?#%*{}]+)+)$/),
      'must be a path such as /classify, without percent-encoding and without a slash at its end',
    ).describe('Below path_prefix.'),
    task: flag().default(false).describe('Whether it is a task, which also has /submit, /status, /get and so on.'),
  });
}

function model() {
  return section({
    name: label().describe('Name in the path or the body of the request, or of the one model that the server has.'),
    version: label().optional().describe('Version in the path of the request, or of that one model.'),
    instruments: instrumentBuckets()
      .optional()
      .describe('Histograms that have other buckets for this model than for its upstream, by their names.'),
  });
}

function timeouts() {
  return section({
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
    .describe('How long the upstream may take before the answer is 504; idle watches over the downstream, too.');
}

function health() {
  return section({
    // Two slashes would begin the name of a host, and a URL takes a back slash for one.
    path: text(
      matching(/^\/(?!\/)[\x21-\x22\x24-\x5b\x5d-\x7e]*$/),
      'must be a path such as /health, printable ASCII without blanks and without a fragment',
    )
      .optional()
      .describe(
        'Asked for (GET) below the path of every url; 2xx is healthy. Without it, only requests tell which replica is.',
      ),
    interval: duration(100).prefault('5s').describe('From one check of a replica to the next, at least 100ms.'),
    timeout: duration().optional().describe('How long one check may take; must not exceed interval.'),
    unhealthy_after: count()
      .default(3)
      .describe('Failures in a row, of checks or of requests, that make a replica unhealthy.'),
    backoff_max: duration(1000)
      .prefault('30s')
      .describe('The longest that an unhealthy replica is left alone: 1s at first, twice as long each time.'),
  })
    .prefault({})
    .describe('When a replica is not sent requests.');
}
