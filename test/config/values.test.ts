import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  readAddress,
  readDestination,
  readDuration,
  readEndpoint,
  readHostPattern,
  readMilliseconds,
  readServerName,
  readSize,
  readUpstreamUrl,
  sizeText,
} from '../../src/config/values.ts';

function table(name: string, read: (text: string) => unknown, cases: Record<string, unknown>): void {
  for (const [text, wanted] of Object.entries(cases)) {
    test(`${JSON.stringify(text)} is ${wanted === undefined ? 'no' : 'a'} ${name}`, () =>
      assert.deepEqual(read(text), wanted));
  }
}

table('duration', readDuration, {
  '500ms': 500,
  '5s': 5000,
  '2m': 120_000,
  '1h': 3_600_000,
  '30d': 2_592_000_000,
  '0s': 0,
  '60': undefined,
  '': undefined,
  '1.5s': undefined,
  '-1s': undefined,
  '5 s': undefined,
  '5S': undefined,
  '1w': undefined,
  '1toString': undefined,
});

table('size', readSize, {
  '512B': 512,
  '16KiB': 16_384,
  '1MiB': 1_048_576,
  '16kB': 16_000,
  '1MB': 1_000_000,
  '1GB': 1_000_000_000,
  '2GiB': 2_147_483_648,
  '1TB': 1_000_000_000_000,
  '1TiB': 1_099_511_627_776,
  '16384': undefined,
  '16KB': undefined,
  '16k': undefined,
  '1GIB': undefined,
});

table('host of a request', readHostPattern, {
  'A.example.com': 'a.example.com',
  localhost: 'localhost',
  '10.0.0.1': '10.0.0.1',
  '*.Example.com': '*.example.com',
  '*.svc_a.x--y': '*.svc_a.x--y',
  [`${'a.'.repeat(126)}a`]: `${'a.'.repeat(126)}a`,
  [`${'a.'.repeat(126)}aa`]: undefined,
  '': undefined,
  '*': undefined,
  '*.': undefined,
  '*.10.0.0.1': undefined,
  '*.*.example.com': undefined,
  'a.*.com': undefined,
  '*example.com': undefined,
  'a.example.com:80': undefined,
  'a.example.com.': undefined,
  'a..com': undefined,
  '-a.com': undefined,
  '10.0.0.256': undefined,
  '[::1]': undefined,
  'http://a': undefined,
  'a.com\n': undefined,
});

table('name of a server', readServerName, {
  'Models.example.com': 'models.example.com',
  '10.0.0.1': undefined,
  '::1': undefined,
  '*.example.com': undefined,
  'models.example.com:443': undefined,
});

table('address', readAddress, {
  '127.0.0.1:9480': { host: '127.0.0.1', port: 9480 },
  '[::1]:0': { host: '::1', port: 0 },
  '[0:0::0]:1': { host: '::', port: 1 },
  'Gate-way.example.com:65535': { host: 'gate-way.example.com', port: 65535 },
  ':9480': undefined,
  '9480': undefined,
  '127.0.0.1': undefined,
  '127.0.0.1:': undefined,
  '127.0.0.1:65536': undefined,
  '127.0.0.256:1': undefined,
  '::1:9480': undefined,
  '[127.0.0.1]:1': undefined,
  'http://h:1': undefined,
  'user@h:1': undefined,
  '-h:1': undefined,
  '*:1': undefined,
});

table('URL of an upstream', (text) => readUpstreamUrl(text)?.href, {
  'http://127.0.0.1:8080': 'http://127.0.0.1:8080/',
  'https://h/a/b/': 'https://h/a/b/',
  'http://[::1]:8080': 'http://[::1]:8080/',
  'h:8080': undefined,
  'ftp://h': undefined,
  'http:h': undefined,
  'http://': undefined,
  'http://h:0': undefined,
  'http://h:99999': undefined,
  'http://u:p@h': undefined,
  'http://h?': undefined,
  'http://h/#': undefined,
  ' http://h': undefined,
  'http://h\\a': undefined,
});

table('endpoint', readEndpoint, {
  'http://127.0.0.1:4317': 'http://127.0.0.1:4317',
  'https://h/': 'https://h',
  'http://h/v1/metrics': undefined,
  'h:4317': undefined,
});

table('endpoint over HTTP', (text) => readDestination(text, 'http/protobuf'), {
  'http://127.0.0.1:4318': 'http://127.0.0.1:4318/v1/metrics',
  'HTTPS://Collector:443': 'https://collector/v1/metrics',
  'http://h/': 'http://h/',
  'http://h:9090/api/v1/otlp/v1/metrics': 'http://h:9090/api/v1/otlp/v1/metrics',
  'http://[::1]:4318': 'http://[::1]:4318/v1/metrics',
  'http://h/v1/metrics?key=a': undefined,
  'http://u:p@h/v1/metrics': undefined,
  'h:4318': undefined,
});

table('endpoint over gRPC', (text) => readDestination(text, 'grpc'), {
  'http://127.0.0.1:4317': 'http://127.0.0.1:4317',
  'http://h/v1/metrics': undefined,
});

test('a size is shown in the largest unit that gives a whole number', () => {
  assert.deepEqual([6 * 1024 ** 2, 1536, 3 * 1024 ** 3, 1000, 1024 ** 4].map(sizeText), [
    '6MiB',
    '1536B',
    '3GiB',
    '1000B',
    '1024GiB',
  ]);
});

table('number of milliseconds', readMilliseconds, {
  '60000': '60000ms',
  '86400000': '86400000ms',
  '86400001': undefined,
  '0': undefined,
  '10s': undefined,
  '1.5': undefined,
});
