import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, platform } from 'node:os';
import { describe, it } from 'node:test';
import { createProcessGroup } from '../../../src/observables/process/process.ts';
import { parseOpenFilesLimit, parseStat } from '../../../src/observables/process/proc-self.ts';
import { sampleOf, type Sampled } from '../host/sample.ts';

const LINUX = { skip: platform() === 'linux' ? false : 'needs /proc/self' };
/** The kernel counts memory per CPU and adds it up late; the garbage collector may run in between. */
const MEMORY_TOLERANCE_BYTES = 16 * 1024 ** 2;

/** What the kernel says of this process; clock ticks are 10 ms. */
function kernel() {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = (number: number) => Number(fields[number - 3]);
  const status = readFileSync('/proc/self/status', 'utf8');
  const line = (text: string, key: string) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(text)?.[1]);
  const threads = readdirSync('/proc/self/task').map((id) => readFileSync(`/proc/self/task/${id}/status`, 'utf8'));
  const ofThreads = (key: string) => threads.reduce((sum, text) => sum + line(text, key), 0);
  return {
    user: field(14) / 100,
    system: field(15) / 100,
    minorFaults: field(10),
    majorFaults: field(12),
    residentBytes: line(status, 'VmRSS') * 1024,
    virtualBytes: line(status, 'VmSize') * 1024,
    threads: line(status, 'Threads'),
    voluntary: ofThreads('voluntary_ctxt_switches'),
    involuntary: ofThreads('nonvoluntary_ctxt_switches'),
    // The listing has one open, too.
    descriptors: readdirSync('/proc/self/fd').length - 1,
    uptime: Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) - field(22) / 100,
  };
}

const burn = (ms: number): void => {
  for (const endMs = performance.now() + ms; performance.now() < endMs;);
};

/** Since the start of the process, so what is sampled lies between what is read before and after. */
const counted: Record<string, { key: string; of: keyof ReturnType<typeof kernel>; tolerance: number }[]> = {
  'process.cpu.time': [
    { key: 'user', of: 'user', tolerance: 0.02 },
    { key: 'system', of: 'system', tolerance: 0.02 },
  ],
  'process.paging.faults': [
    { key: 'minor', of: 'minorFaults', tolerance: 0 },
    { key: 'major', of: 'majorFaults', tolerance: 0 },
  ],
  // The process counts those of threads that have ended, too.
  'process.context_switches': [
    { key: 'voluntary', of: 'voluntary', tolerance: 200 },
    { key: 'involuntary', of: 'involuntary', tolerance: 200 },
  ],
  'process.memory.usage': [{ key: '', of: 'residentBytes', tolerance: MEMORY_TOLERANCE_BYTES }],
  'process.memory.virtual': [{ key: '', of: 'virtualBytes', tolerance: MEMORY_TOLERANCE_BYTES }],
  'process.thread.count': [{ key: '', of: 'threads', tolerance: 0 }],
  'process.unix.file_descriptor.count': [{ key: '', of: 'descriptors', tolerance: 0 }],
  'process.uptime': [{ key: '', of: 'uptime', tolerance: 1 }],
};

describe('process', () => {
  it('says what the kernel says of this process (see the tolerances)', LINUX, async () => {
    burn(100);
    const earlier = kernel();
    const { values, reports } = await sampleOf(createProcessGroup());
    const later = kernel();
    assert.deepEqual(reports, []);
    for (const [name, series] of Object.entries(counted)) {
      for (const { key, of, tolerance } of series) {
        const value = values[name]?.[key] ?? NaN;
        const [low, high] = [earlier[of], later[of]].sort((a, b) => a - b) as [number, number];
        assert.ok(value >= low - tolerance && value <= high + tolerance, `${name} ${key}: ${value}, ${low} to ${high}`);
      }
    }
  });

  it('agrees with ps and ulimit (tolerance: 16 MiB)', LINUX, async () => {
    const { values } = await sampleOf(createProcessGroup());
    const columns = execFileSync('ps', ['-o', 'rss=,vsz=,nlwp=', '-p', String(process.pid)], { encoding: 'utf8' });
    const [rss = NaN, vsz = NaN, threads] = columns.trim().split(/\s+/).map(Number);
    const off = (name: string, kibibytes: number) => Math.abs((values[name]?.[''] ?? NaN) - kibibytes * 1024);
    assert.ok(off('process.memory.usage', rss) <= MEMORY_TOLERANCE_BYTES);
    assert.ok(off('process.memory.virtual', vsz) <= MEMORY_TOLERANCE_BYTES);
    assert.deepEqual(values['process.thread.count'], { '': threads });

    const limit = execFileSync('sh', ['-c', 'ulimit -S -n'], { encoding: 'utf8' }).trim();
    const expected = limit === 'unlimited' ? undefined : { '': Number(limit) };
    assert.deepEqual(values['metergate.process.file_descriptor.limit'], expected);
  });

  it('counts each file that is opened and closed', LINUX, async () => {
    const group = createProcessGroup();
    const count = async () => (await sampleOf(group)).values['process.unix.file_descriptor.count']?.[''] ?? NaN;
    const before = await count();
    const opened = Array.from({ length: 10 }, () => openSync('/dev/null', 'r'));
    assert.equal(await count(), before + 10);
    opened.forEach(closeSync);
    assert.equal(await count(), before);
  });

  it('has no utilization in the first sample, and then the share of all logical CPUs', async () => {
    const group = createProcessGroup();
    const first = await sampleOf(group);
    const firstEndMs = performance.now();
    assert.equal(first.values['process.cpu.utilization'], undefined);
    burn(100);
    const secondStartMs = performance.now();
    const { values } = await sampleOf(group);

    const grown = (values['process.cpu.time']?.user ?? NaN) - (first.values['process.cpu.time']?.user ?? NaN);
    const share = values['process.cpu.utilization']?.user ?? NaN;
    assert.ok(grown > 0);
    // The samples are at least this far apart, so the share is at most that.
    assert.ok(share > 0 && share <= grown / (((secondStartMs - firstEndMs) / 1000) * availableParallelism()));
  });
});

describe('process, when it has no file descriptor left', () => {
  /** What a group can read then, in a process of its own. */
  const sampleWithoutDescriptors = (create: string) => {
    const url = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
    const program = `
      import { openSync } from 'node:fs';
      import { createProcessGroup } from ${url('../../../src/observables/process/process.ts')};
      import { createV8Group } from ${url('../../../src/observables/process/v8.ts')};
      import { sampleOf } from ${url('../host/sample.ts')};
      const group = ${create};
      try { for (;;) openSync('/dev/null', 'r'); } catch {}
      process.stdout.write(JSON.stringify(await sampleOf(group)));`;
    const args = ['-c', 'ulimit -n 64; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', program];
    return JSON.parse(execFileSync('sh', args, { encoding: 'utf8' })) as Sampled;
  };

  it('still has what no file is opened for, the count of descriptors above all', LINUX, () => {
    const { values, reports } = sampleWithoutDescriptors('createProcessGroup()');
    const lost = ['process.memory.usage', 'process.memory.virtual', 'process.thread.count'];
    const utilization = 'process.cpu.utilization';
    const expected = createProcessGroup().instruments.filter(
      (name) => ![...lost, utilization, 'metergate.process.file_descriptor.limit'].includes(name),
    );
    assert.deepEqual(Object.keys(values), expected);
    assert.ok((values['process.unix.file_descriptor.count']?.[''] ?? NaN) >= 60);
    for (const report of reports) assert.match(report, /^unreadable: .*EMFILE/);
  });

  it('still has the heap', LINUX, () => {
    const { values, reports } = sampleWithoutDescriptors('createV8Group({})');
    assert.ok((values['v8js.memory.heap.used']?.old_space ?? NaN) > 0);
    assert.ok((values['metergate.process.heap.limit']?.[''] ?? NaN) > 0);
    assert.equal(values['metergate.process.memory.external'], undefined);
    assert.deepEqual(reports.length, 1);
    assert.match(reports[0] ?? '', /^unreadable: cannot read the memory of this process: .*EMFILE/);
  });
});

describe('/proc/self', () => {
  const after = 'S 1 2 3 0 -1 4194560 10 0 12 0 14 15 16 17 20 0 11 0 3000 987654321 456\n';
  for (const name of ['node', 'a b', 'evil) R 1 (2', '((', '))']) {
    it(`has its fields behind the program name "${name}"`, () => {
      assert.deepEqual(parseStat(`4711 (${name}) ${after}`), { threads: 11, virtualBytes: 987654321 });
    });
  }

  for (const text of ['', '4711 (node) S 1 2', 'garbage']) {
    it(`is malformed as "${text}"`, () => {
      assert.throws(() => parseStat(text), { name: 'SampleError', reason: 'malformed' });
      assert.throws(() => parseOpenFilesLimit(text), { name: 'SampleError', reason: 'malformed' });
    });
  }

  it('has a soft limit of open files, or none', () => {
    const limits = (soft: string) =>
      `Max processes             96000                96000                processes \nMax open files            ${soft.padEnd(20)} 1048576              files     \n`;
    assert.equal(parseOpenFilesLimit(limits('1024')), 1024);
    assert.equal(parseOpenFilesLimit(limits('unlimited')), undefined);
  });
});
