import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createBackoff } from '../../../src/std/backoff.ts';
import type { Gpu } from '../../../src/observables/gpu/gpu.ts';
import { createSysteminformationGpus } from '../../../src/observables/gpu/systeminformation.ts';
import { SampleError } from '../../../src/observables/observable.ts';
import type { Answers, GpusAnswer } from '../../../src/observables/systeminformation/answers.ts';
import { createSysteminformation } from '../../../src/observables/systeminformation/client.ts';
import { deadlineIn } from '../../../src/std/deadline.ts';
import { until } from '../../support/until.ts';
import { createPrograms, HANG, isRunning, LINUX, type Programs } from '../systeminformation/programs.ts';

const MIB = 2 ** 20;
const NO_FAULT = { report: assert.fail, takenAgo: () => assert.fail() };

/** Three of NVIDIA, as `lspci -vvv` writes them, and the one of the board's own management controller. */
const LSPCI = `cat <<'END'
00:00.0 Host bridge: Intel Corporation Device 09a2 (rev 04)
03:00.0 VGA compatible controller: ASPEED Technology, Inc. ASPEED Graphics Family (rev 52) (prog-if 00 [VGA controller])
\tSubsystem: Super Micro Computer Inc Device 1b4c
\tRegion 0: Memory at 94000000 (32-bit, non-prefetchable) [size=64M]

17:00.0 3D controller: NVIDIA Corporation GA100 [A100 SXM4 80GB] (rev a1)
\tSubsystem: NVIDIA Corporation Device 1463
\tRegion 1: Memory at 207000000000 (64-bit, prefetchable) [size=128G]

65:00.0 3D controller: NVIDIA Corporation GA100 [A100 SXM4 80GB] (rev a1)
\tSubsystem: NVIDIA Corporation Device 1463

e3:00.0 3D controller: NVIDIA Corporation GA100 [A100 SXM4 80GB] (rev a1)
\tSubsystem: NVIDIA Corporation Device 1463
END`;

/** Busy; idle, with true zeros; one for games, without some of the sensors and with one that fails. */
const ROWS = `cat <<'END'
570.86.15, 0x146310DE, NVIDIA A100-SXM4-80GB, 00000000:17:00.0, [N/A], 81920, 40960, 40960, 87, 42, 61, 72, 312.55, 400.00, 1410, 1593
570.86.15, 0x146310DE, NVIDIA A100-SXM4-80GB, 00000000:65:00.0, 0, 81920, 0, 81920, 0, 0, 0, 0, 0.00, 400.00, 0, 0
570.86.15, 0x146310DE, NVIDIA GeForce GTX 1080, 00000000:E3:00.0, 25, 8192, 1024, 7168, 5, 1, 40, N/A, [Unknown Error], [N/A], 1607, 5005
END`;

const UNKNOWN_ERROR = 'device: GPU 2: [Unknown Error] in place of power.draw';

function open(t: TestContext, programs: Programs) {
  const backend = createSysteminformationGpus({
    platform: 'linux',
    open: () =>
      createSysteminformation({
        env: programs.env,
        backoff: createBackoff({ firstMs: 0, mostMs: 0 }),
      }),
  });
  t.after(() => backend.close(deadlineIn(5000)));
  return backend;
}

async function sample(backend: ReturnType<typeof open>) {
  const faults: string[] = [];
  const gpus = await backend.sample({
    report: (error) => void faults.push(`${error.reason}: ${error.message}`),
    takenAgo: () => assert.fail(),
  });
  return { gpus, faults };
}

describe('GPUs of systeminformation', { skip: LINUX }, () => {
  it('reads a busy card, the zeros of an idle one, and leaves out what is not available', async (t) => {
    const programs = createPrograms(t);
    programs.put('lspci', LSPCI);
    programs.put('nvidia-smi', ROWS);
    const backend = open(t, programs);
    await backend.start();
    const { gpus, faults } = await sample(backend);
    const card = {
      vendor: 'NVIDIA',
      driverVersion: '570.86.15',
      firmwareVersion: undefined,
      migMode: undefined,
      state: 'ok',
    };
    assert.deepEqual(faults, [UNKNOWN_ERROR]);
    assert.deepEqual(gpus.slice(0, 3), [
      {
        ...card,
        id: 'pci:00000000:17:00.0',
        name: '0',
        model: 'NVIDIA A100-SXM4-80GB',
        pciAddress: '00000000:17:00.0',
        values: {
          utilization: 0.87,
          memoryCopyUtilization: 0.42,
          memoryUsed: 40960 * MIB,
          memoryLimit: 81920 * MIB,
          power: 312.55,
          powerLimit: 400,
          temperature: 61,
          memoryTemperature: 72,
          graphicsClock: 1410e6,
          memoryClock: 1593e6,
        },
      },
      {
        ...card,
        id: 'pci:00000000:65:00.0',
        name: '1',
        model: 'NVIDIA A100-SXM4-80GB',
        pciAddress: '00000000:65:00.0',
        values: {
          utilization: 0,
          memoryCopyUtilization: 0,
          memoryUsed: 0,
          memoryLimit: 81920 * MIB,
          power: 0,
          powerLimit: 400,
          temperature: 0,
          memoryTemperature: 0,
          fanSpeed: 0,
          graphicsClock: 0,
          memoryClock: 0,
        },
      },
      {
        ...card,
        id: 'pci:00000000:E3:00.0',
        name: '2',
        model: 'NVIDIA GeForce GTX 1080',
        pciAddress: '00000000:E3:00.0',
        values: {
          utilization: 0.05,
          memoryCopyUtilization: 0.01,
          memoryUsed: 1024 * MIB,
          memoryLimit: 8192 * MIB,
          temperature: 40,
          fanSpeed: 0.25,
          graphicsClock: 1607e6,
          memoryClock: 5005e6,
        },
      },
    ]);
  });

  it('shows controllers of others by their model, but for memory that is only what the bus can see', async (t) => {
    const programs = createPrograms(t);
    programs.put('lspci', LSPCI);
    programs.put('nvidia-smi', ROWS);
    const { gpus } = await sample(open(t, programs));
    assert.deepEqual(gpus.slice(3), [
      {
        id: 'pci:03:00.0',
        name: '3',
        model: 'ASPEED Graphics Family',
        vendor: 'ASPEED Technology, Inc.',
        pciAddress: '03:00.0',
        state: 'ok',
        values: {},
      },
    ]);
  });

  it('shows cards of NVIDIA by their model where there is no nvidia-smi', async (t) => {
    const programs = createPrograms(t, { only: true });
    programs.put('lspci', LSPCI.replace('cat', '/bin/cat'));
    const { gpus, faults } = await sample(open(t, programs));
    assert.deepEqual(faults, []);
    assert.deepEqual(
      gpus.map(({ id, values }) => ({ id, values })),
      ['03:00.0', '17:00.0', '65:00.0', 'e3:00.0'].map((address) => ({ id: `pci:${address}`, values: {} })),
    );
  });

  it('reads the cards that work when nvidia-smi fails because one is lost', async (t) => {
    const programs = createPrograms(t);
    programs.put('lspci', LSPCI);
    const lost =
      'Unable to determine the device handle for GPU0000:17:00.0: GPU is lost.  Reboot the system to recover this GPU';
    programs.put('nvidia-smi', `${ROWS}\necho '${lost}'\nexit 15`);
    const { gpus, faults } = await sample(open(t, programs));
    assert.equal(gpus.filter(({ vendor }) => vendor === 'NVIDIA').length, 3);
    assert.deepEqual(faults, [UNKNOWN_ERROR, `device: nvidia-smi: ${lost}`, 'device: nvidia-smi ended with status 15']);
  });

  it('says of garbage how it begins', async (t) => {
    const programs = createPrograms(t);
    programs.put('lspci', LSPCI);
    programs.put('nvidia-smi', `${ROWS}\nhead -c 100000 /dev/zero | tr '\\0' x`);
    const { faults } = await sample(open(t, programs));
    assert.deepEqual(faults, [UNKNOWN_ERROR, `device: nvidia-smi: ${'x'.repeat(200)}`]);
  });

  it('takes a card that says of itself that it is lost for a failed one, without readings', async (t) => {
    const programs = createPrograms(t);
    programs.put('lspci', LSPCI);
    const cells = Array.from({ length: 12 }, () => '[GPU is lost]').join(', ');
    programs.put('nvidia-smi', `echo '570.86.15, [GPU is lost], NVIDIA A100, 00000000:17:00.0, ${cells}'`);
    const { gpus, faults } = await sample(open(t, programs));
    assert.deepEqual([gpus[0]?.id, gpus[0]?.state, gpus[0]?.values], ['pci:00000000:17:00.0', 'failed', {}]);
    assert.equal(faults.length, 1);
    assert.match(faults[0] ?? '', /^device: GPU 0: .*GPU is lost/);
  });

  it('fails when nothing can be read, with what nvidia-smi says', async (t) => {
    const programs = createPrograms(t);
    programs.put('lspci', LSPCI.replace(/^03:[^]*?\n\n/m, ''));
    const said = 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.';
    programs.put('nvidia-smi', `echo '${said}'\nexit 9`);
    const backend = open(t, programs);
    await backend.start();
    await assert.rejects(sample(backend), {
      reason: 'device',
      message: `no GPU can be read: nvidia-smi: ${said}; nvidia-smi ended with status 9`,
    });
  });

  it('fails when nvidia-smi tells of no card, though there are some', async (t) => {
    const programs = createPrograms(t);
    programs.put('lspci', LSPCI.replace(/^03:[^]*?\n\n/m, ''));
    programs.put('nvidia-smi', 'exit 0');
    await assert.rejects(sample(open(t, programs)), {
      reason: 'device',
      message: 'no GPU can be read: nvidia-smi tells of none',
    });
  });

  it('says that lspci is what it finds GPUs by, where that is not installed', async (t) => {
    const programs = createPrograms(t, { only: true });
    programs.put('nvidia-smi', ROWS.replace('cat', '/bin/cat'));
    await assert.rejects(open(t, programs).start(), {
      reason: 'missing',
      message:
        'systeminformation finds GPUs by lspci, which is not there: install pciutils, or set observables.gpu.backend to nvidia-smi',
    });
  });

  it('cannot be started where there is no GPU', async (t) => {
    const programs = createPrograms(t, { only: true });
    programs.put('lspci', "echo '00:00.0 Host bridge: Intel Corporation Device 09a2'");
    await assert.rejects(open(t, programs).start(), { reason: 'missing', message: 'systeminformation finds no GPU' });
  });

  it('gives up a driver that hangs, leaves no process behind, and reads again when it answers', async (t) => {
    const programs = createPrograms(t);
    programs.put('lspci', LSPCI);
    programs.put('nvidia-smi', HANG);
    const backend = open(t, programs);
    const { gpus: others, faults } = await sample(backend);
    assert.deepEqual(
      others.map(({ vendor }) => vendor),
      ['ASPEED Technology, Inc.'],
    );
    assert.deepEqual(faults, ['device: nvidia-smi did not end within 3000 ms']);
    const hung = programs.hung();
    assert.equal(hung.length, 1);
    await until('it is gone', () => hung.every(({ pid }) => !isRunning(pid)));

    programs.put('nvidia-smi', ROWS);
    await until('all are read', async () => {
      const { gpus } = await sample(backend).catch(() => ({ gpus: [] }));
      return gpus.length === 4;
    });
  });
});

/** What systeminformation answers on other platforms. */
function answering(platform: NodeJS.Platform, answer: GpusAnswer) {
  const client = {
    ask: <Q extends keyof Answers>() => Promise.resolve(answer as unknown as Answers[Q]),
    close: () => Promise.resolve(),
  };
  return createSysteminformationGpus({ platform, open: () => client });
}

describe('GPUs of systeminformation on other platforms', () => {
  const cases: Record<string, { platform: NodeJS.Platform; controller: object; shown: Partial<Gpu> }> = {
    'memory of its own': {
      platform: 'win32',
      controller: { vendor: 'AMD', model: 'Radeon Pro W7900', vram: 49152, vramDynamic: false },
      shown: { id: 'index:0', vendor: 'AMD', model: 'Radeon Pro W7900', values: { memoryLimit: 49152 * MIB } },
    },
    'memory of the host': {
      platform: 'darwin',
      controller: { vendor: 'Apple', model: 'Apple M4', vram: 16384, vramDynamic: true },
      shown: { id: 'index:0', vendor: 'Apple', model: 'Apple M4', values: {} },
    },
    'memory and a model that are not known': {
      platform: 'darwin',
      controller: { vendor: 'Intel', model: '', vram: null, vramDynamic: false },
      shown: { id: 'index:0', vendor: 'Intel', model: undefined, values: {} },
    },
  };
  for (const [what, { platform, controller, shown }] of Object.entries(cases)) {
    it(`shows a controller with ${what}`, async () => {
      const backend = answering(platform, { controllers: [controller] });
      await backend.start();
      const [gpu] = await backend.sample(NO_FAULT);
      assert.deepEqual({ ...gpu, ...shown }, gpu);
    });
  }

  it('shows two cards of one model once each, though both are found to be the first', async () => {
    const fields = ['pci.bus_id', 'utilization.gpu', 'name'];
    const output = '00000000:01:00.0, 10, NVIDIA L4\n00000000:02:00.0, 20, NVIDIA L4\n';
    const controller = { vendor: 'NVIDIA', model: 'NVIDIA L4', pciBus: '00000000:01:00.0' };
    const backend = answering('win32', { controllers: [controller, controller], nvidiaSmi: { fields, output } });
    const gpus = await backend.sample(NO_FAULT);
    assert.deepEqual(
      gpus.map(({ id, values }) => [id, values]),
      [
        ['pci:00000000:01:00.0', { utilization: 0.1 }],
        ['pci:00000000:02:00.0', { utilization: 0.2 }],
      ],
    );
  });

  it('finds none where systeminformation does not look for any', async () => {
    const backend = answering('freebsd', { controllers: [] });
    await assert.rejects(backend.start(), (error) => error instanceof SampleError && error.reason === 'missing');
    await assert.rejects(async () => backend.sample(NO_FAULT), { message: 'systeminformation finds no GPU' });
  });
});
