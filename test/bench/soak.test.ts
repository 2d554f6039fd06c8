import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { growth } from '../../bench/soak/memory.ts';

const MAIN = fileURLToPath(new URL('../../bench/soak/main.ts', import.meta.url));
const MIB = 1 << 20;

describe('npm run soak', () => {
  it('finds nothing wrong in a short version of it', () => {
    const { status, stdout, stderr } = soak('--requests', '10000');
    assert.equal(status, 0, stderr);
    assert.equal(stdout, '');
    const lines = stderr.trimEnd().split('\n');
    assert.equal(lines.length, 10);
    for (const line of lines) assert.match(line, /^\d+ requests, \d+ s: [\d.]+ MiB held, [\d.]+ MiB resident$/);
    assert.match(lines.at(-1) ?? '', /^10000 requests/);
  });

  for (const wrong of ['none', '1e3', '10000.5', '9999'] as const) {
    it(`answers --requests ${wrong} with what may be asked, and exit code 2`, () => {
      const { status, stderr } = soak('--requests', wrong);
      assert.equal(status, 2);
      assert.match(stderr, /^usage: npm run soak -- \[--requests N\]/);
    });
  }
});

const grown: Readonly<Record<string, { held: number; rss: number; says: RegExp[] }>> = {
  'no growth': { held: 0, rss: 0, says: [] },
  'memory that is given back': { held: -1_000, rss: -10_000, says: [] },
  'a hundred bytes per request': { held: 100, rss: 0, says: [/^what is held .* grew by 66\.5 MiB$/] },
  'memory outside of what the collector knows': {
    held: 0,
    rss: 100,
    says: [/^the resident memory grew by 66\.5 MiB$/],
  },
  'both, at less than anybody could hold for each': { held: 2, rss: 2, says: [] },
};

describe('the memory of a soak of a million requests', () => {
  for (const [name, { held, rss, says }] of Object.entries(grown)) {
    it(`is judged: ${name}`, () => {
      const samples = Array.from({ length: 10 }, (_, i) => {
        // Every other sample happens to see more connections.
        const some = (i % 2) * 300_000;
        const requests = i * 100_000;
        return { heldBytes: 50 * MIB + some + held * requests, rssBytes: 200 * MIB + some + rss * requests };
      });
      const found = growth(samples);
      assert.equal(found.length, says.length, found.join('\n'));
      says.forEach((pattern, i) => assert.match(found[i] ?? '', pattern));
    });
  }
});

function soak(...args: string[]) {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
}
