// A disk that stands still, as a dead file server's does, costs the destinations that have their queues on it, and nobody else.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startIrisServer } from '../../examples/iris-server/server.ts';
import { createLoad } from '../../src/cli/demo/load.ts';
import * as requests from '../../src/cli/demo/requests.ts';
import { startGateway } from '../support/gateway.ts';
import { startOtlpSink } from '../support/otlp-sink.ts';
import { eventually } from '../support/processes.ts';

/** As many as would take all threads of Node's pool, several times. */
const FROZEN = 6;

interface Disk {
  readonly path: string;
  freeze(): void;
  thaw(): void;
}

/** An ext4 in a file. @returns undefined where that is not allowed, or the programs are not there. */
function mountDisk(t: TestContext): Disk | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'metergate-frozen-'));
  const path = join(folder, 'disk');
  const run = (command: string, ...args: readonly string[]): void =>
    void execFileSync(command, args, { stdio: 'ignore' });
  const tryTo = (act: () => void): boolean => {
    try {
      act();
      return true;
    } catch {
      return false;
    }
  };
  const mounted = tryTo(() => {
    run('dd', 'if=/dev/zero', `of=${path}.img`, 'bs=1M', 'count=64');
    run('mkfs.ext4', '-qF', `${path}.img`);
    run('mkdir', path);
    run('mount', '-o', 'loop', `${path}.img`, path);
  });
  const thaw = (): void => void tryTo(() => run('fsfreeze', '-u', path));
  t.after(() => {
    thaw();
    if (mounted) run('umount', path);
    rmSync(folder, { recursive: true });
  });
  if (!mounted) return undefined;
  return {
    path,
    freeze: () => {
      // It thaws whatever becomes of us.
      spawn('sh', ['-c', `sleep 30; fsfreeze -u ${path}`], { detached: true, stdio: 'ignore' }).unref();
      run('fsfreeze', '-f', path);
    },
    thaw,
  };
}

test('a frozen disk holds up neither requests nor scrapes nor another destination', { timeout: 240_000 }, async (t) => {
  const disk = mountDisk(t);
  if (disk === undefined) return t.skip('needs to mount a file system: run as root, with mkfs.ext4 and fsfreeze');
  const iris = await startIrisServer();
  t.after(() => iris.close());
  const [slow, well] = [await startOtlpSink({ protocol: 'http/protobuf' }), await startOtlpSink()];
  t.after(() => Promise.all([slow.close(), well.close()]));
  const shared = { interval: '200ms', temporality_preference: 'delta' };
  const gateway = await startGateway({
    upstreams: [{ name: 'iris', url: iris.url.replace('127.0.0.1', 'localhost') }],
    push: [
      ...Array.from({ length: FROZEN }, (_, i) => ({
        ...shared,
        name: `frozen${i}`,
        protocol: 'http/protobuf',
        endpoint: slow.url,
        queue: { directory: join(disk.path, 'queue') },
      })),
      { ...shared, name: 'well', endpoint: well.url, compression: 'gzip' },
    ],
  });
  t.after(() => gateway.stop());
  await well.received(1);

  disk.freeze();
  const before = well.exports.length;
  const load = createLoad(gateway.urls.inference);
  t.after(() => load.close());
  await load.burst(requests.good, 50);
  assert.equal(load.ledger.counts.success, 50);
  await well.received(before + 10);
  const scrape = await fetch(`${gateway.urls.metrics}/metrics`, { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(scrape.headers.get('content-encoding'), 'gzip');
  assert.match(await scrape.text(), /metergate_push_queue_batches\{[^}]*frozen0[^}]*\} [1-9]/);

  disk.thaw();
  await eventually(async () => {
    const { destinations } = await statusOf(gateway.urls.management);
    return Object.values(destinations).every(({ queue }) => queue.batches === 0) || undefined;
  });
  const { code } = await gateway.stop();
  assert.equal(code, 0);
  const counted = slow.exports
    .concat(well.exports)
    .flatMap(({ snapshots }) => snapshots)
    .flatMap(({ scopes }) => scopes);
  const total = counted
    .flatMap(({ metrics }) => metrics)
    .flatMap((metric) =>
      metric.name === 'inference.requests' && metric.kind === 'sum' ? [...metric.points.values] : [],
    )
    .reduce((sum, value) => sum + value, 0);
  assert.equal(total, 50 * (FROZEN + 1));
});

interface PushStatus {
  readonly destinations: Readonly<Record<string, { readonly queue: { readonly batches: number } }>>;
}

async function statusOf(management: string): Promise<PushStatus> {
  const answer = await fetch(`${management}/status`);
  return ((await answer.json()) as { parts: { push: PushStatus } }).parts.push;
}
