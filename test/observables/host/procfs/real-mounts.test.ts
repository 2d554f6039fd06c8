import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createTree } from './tree.ts';

const SAMPLE = fileURLToPath(new URL('in-mounts.ts', import.meta.url));

/** Namespaces of our own, where the shell is the first process. */
const UNSHARE = ['--mount', '--pid', '--fork', '--mount-proc', '--propagation', 'private'];
const { status } = spawnSync('unshare', [...UNSHARE, 'mount', '-t', 'tmpfs', 'test', '/mnt'], { stdio: 'ignore' });
const skip = status === 0 ? false : 'needs Linux and the right to mount';

const PRELUDE = `
set -e
cd "$1"
mount -t tmpfs top .
cd "$1"
mount_at() { mkdir -p "$2"; mount -t tmpfs -o size="$3" "$1" "$2"; }
sample() { "$NODE" "$SAMPLE" "$1" tmpfs; }
`;

interface Sampled {
  readonly limits: Record<string, number>;
  readonly reports: readonly string[];
}

/** @returns what a script of the shell samples, of the mounts that it has made, their paths being relative to where it made them. */
function sampleWith(test: TestContext, script: string): Sampled {
  const { root } = createTree({ test });
  const env = { ...process.env, NODE: process.execPath, SAMPLE };
  const output = execFileSync('unshare', [...UNSHARE, 'bash', '-c', PRELUDE + script, 'bash', root], { env });
  const { limits, reports } = JSON.parse(output.toString()) as Sampled;
  const ours = Object.entries(limits).filter(([mount]) => mount.includes(`${root}/`));
  return {
    limits: Object.fromEntries(ours.map(([mount, bytes]) => [mount.replaceAll(root, ''), bytes])),
    reports: reports.filter((report) => report.includes(root)).map((report) => report.replaceAll(root, '')),
  };
}

const MIB = 2 ** 20;

describe('filesystems that are mounted', { skip }, () => {
  it('are not shown with the space of those that hide them', (test) => {
    const { limits, reports } = sampleWith(
      test,
      `
mount_at hidden over/sub 1m
mount_at cover over 2m
mkdir over/sub
mount_at hidden gone/sub 3m
mount_at cover gone 4m
mount_at first twice 5m
mount_at second twice 6m
mkdir alias
mount --bind twice alias
sample /`,
    );
    assert.deepEqual(limits, {
      'cover /over tmpfs rw': 2 * MIB,
      'cover /gone tmpfs rw': 4 * MIB,
      'second /twice tmpfs rw': 6 * MIB,
    });
    assert.deepEqual(reports, []);
  });

  it('are shown by names that are not UTF-8', (test) => {
    const { limits, reports } = sampleWith(
      test,
      `
mount_at odd "$(printf 'bad\\xff name')" 1m
mount_at odd "$(printf 'bad\\xfe name')" 2m
mount_at even 'ünï→' 3m
sample /`,
    );
    assert.deepEqual(limits, {
      'odd /bad\\xff name tmpfs rw': MIB,
      'odd /bad\\xfe name tmpfs rw': 2 * MIB,
      'even /ünï→ tmpfs rw': 3 * MIB,
    });
    assert.deepEqual(reports, []);
  });

  it('are absent where we have others than the first process', (test) => {
    const { limits, reports } = sampleWith(
      test,
      `
mount_at home home 1m
mount_at data data 2m
sample_unshared() { mount -t tmpfs private home; sample /; }
export -f sample sample_unshared
unshare --mount --propagation private bash -c sample_unshared
true # The shell itself would become what the last line starts.`,
    );
    assert.deepEqual(limits, { 'data /data tmpfs rw': 2 * MIB });
    assert.deepEqual(reports, ['missing: the filesystem at /home is not there for us, but another one']);
  });

  it('are absent where they were mounted after the root of the host, without its later mounts, was', (test) => {
    const { limits, reports } = sampleWith(
      test,
      `
mount_at before before 1m
mkdir host
mount --rbind / host
mount --make-rprivate host
mount_at after after 2m
sample "$PWD/host"`,
    );
    assert.deepEqual(limits, { 'before /before tmpfs rw': MIB });
    assert.deepEqual(reports, ['missing: the filesystem at /host/after is not there for us, but another one']);
  });
});
