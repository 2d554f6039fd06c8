import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { createAuthority } from '../serving/proxy/test-authority.ts';
import { startOtlpSink } from '../support/otlp-sink.ts';
import { until } from '../support/until.ts';
import { createPushing, folderFor, soon } from './pushing.ts';

const authority = createAuthority('authority of the test');
const stranger = createAuthority('authority of somebody else');

test('an authority that comes into its file is trusted without a restart, and nothing is lost', async (t) => {
  const sink = await startOtlpSink({ tls: authority.issue({ names: ['127.0.0.1'] }) });
  t.after(() => sink.close());
  const caFile = await folderFor(t);
  // At once, so that nothing in between can be read.
  const put = async (text: string): Promise<void> => {
    await writeFile(`${caFile}.new`, text);
    await rename(`${caFile}.new`, caFile);
  };
  await put(stranger.cert);
  const { push, lines, instruments, pulled } = createPushing({ endpoint: sink.url, tls: { caFile }, intervalMs: 5 });
  await push.start();
  instruments.counter('inference.requests').add(1);
  await until('it is refused', () => lines.some(({ message }) => message === 'export failed'));
  await put(authority.cert.slice(0, 100));
  await until('that is seen', () => lines.some(({ message }) => message === 'certificates not renewed'));
  await put(authority.cert);
  await sink.received(2);
  await push.shutdown(soon());

  const problem = `push a: tls.ca_file ${caFile} cannot be used: `;
  const said = lines.filter(({ message }) => message.startsWith('certificates'));
  assert.partialDeepStrictEqual(said, [
    { level: 'warn', message: 'certificates not renewed' },
    { level: 'info', message: 'certificates renewed', fields: { 'metergate.destination': 'a' } },
  ]);
  assert.equal(String(said[0]?.fields.problem).slice(0, problem.length), problem);
  assert.equal(await pulled('metergate.push.points.dropped', 'a'), 0);
});
