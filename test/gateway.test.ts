import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseConfig } from '../src/config/index.ts';
import { createGateway } from '../src/gateway.ts';
import { deadlineIn, within } from '../src/std/deadline.ts';
import { hangingCertificate } from './push/pushing.ts';
import { createRecordingLogger } from './support/telemetry.ts';

it('the gateway ends within the time that a shutdown has though the start of a part hangs', async (t) => {
  const { path, asked, answer } = await hangingCertificate(t);
  const anyPort = '127.0.0.1:0';
  const text = JSON.stringify({
    listen: { inference: anyPort, management: anyPort, metrics: anyPort },
    telemetry: { engine: 'sdk' },
    upstreams: [{ name: 'iris', url: 'http://127.0.0.1:1' }],
    push: [{ name: 'a', endpoint: 'https://localhost:4317', tls: { ca_file: path } }],
    observables: { host: { enabled: false }, gpu: { enabled: false } },
    shutdown: { timeout: '50ms' },
  });
  const loaded = parseConfig({ text, source: '', env: {}, readFile: () => '' });
  assert.ok(loaded.ok);
  const { logger, lines } = createRecordingLogger();
  const gateway = createGateway({ config: loaded.config, logger, version: '0.0.0' });
  const started = assert.rejects(gateway.start(), /was shut down while it started/);
  await asked();
  const ended = await within(deadlineIn(10_000), gateway.shutdown());
  const said = lines.map(({ message }) => message);
  await answer();
  await started;
  assert.ok(ended.done);
  assert.deepEqual(said, ['shutting down', 'stopped']);
});
