import { platform as currentPlatform } from 'node:os';
import type { GpusAnswer, GraphicsController, NvidiaSmiAnswer } from '../systeminformation/answers.ts';
import { createSysteminformation } from '../systeminformation/client.ts';
import { SampleError } from '../observable.ts';
import type { Gpu, GpuBackend } from './gpu.ts';
import { createQuery } from './nvidia-smi/columns.ts';
import { parseRow, type Row } from './nvidia-smi/row.ts';

export interface SysteminformationGpusOptions {
  readonly platform?: NodeJS.Platform;
  readonly open?: typeof createSysteminformation;
}

/**
 * The graphics controllers that `graphics()` finds: those of NVIDIA with what it asks `nvidia-smi` for, the others with model and memory.
 * Each sample starts that and half a dozen other programs. Its process is its own, so that a driver that hangs costs no other readings.
 *
 * It gives no UUIDs: the id of a GPU is `pci:` and where it is on the bus.
 */
export function createSysteminformationGpus(options: SysteminformationGpusOptions = {}): GpuBackend {
  const { platform = currentPlatform(), open = createSysteminformation } = options;
  const systeminformation = open();
  return {
    name: 'systeminformation',
    start: async () => {
      const answer = await systeminformation.ask('gpus').catch((error: unknown) => {
        if (error instanceof SampleError) return undefined;
        throw error;
      });
      // What can pass, as a driver that wakes up slowly, the samples tell.
      if (answer) assertThereAreSome(answer);
    },
    sample: async (into) => {
      const answer = await systeminformation.ask('gpus');
      assertThereAreSome(answer);
      const { controllers, nvidiaSmi } = answer;
      const { gpus: ofNvidia, faults } = nvidiaSmi ? readRows(nvidiaSmi) : { gpus: [], faults: [] };
      // Where NVIDIA's tool is, it tells of all of them that can be read.
      const others = nvidiaSmi ? controllers.filter((controller) => !isNvidia(controller)) : controllers;
      const gpus = [...ofNvidia, ...others.map((one, at) => ofController(one, ofNvidia.length + at, platform))];
      if (gpus.length === 0) {
        const why = faults.map(({ message }) => message).join('; ');
        throw new SampleError('device', `no GPU can be read: ${why === '' ? 'nvidia-smi tells of none' : why}`);
      }
      faults.forEach((fault) => into.report(fault));
      return gpus;
    },
    close: (deadline) => systeminformation.close(deadline),
  };
}

function assertThereAreSome({ controllers, missing, nvidiaSmi }: GpusAnswer): void {
  if (missing !== undefined) {
    throw new SampleError(
      'missing',
      `systeminformation finds GPUs by ${missing}, which is not there: install pciutils, or set observables.gpu.backend to nvidia-smi`,
    );
  }
  if (controllers.length === 0 && nvidiaSmi === undefined)
    throw new SampleError('missing', 'systeminformation finds no GPU');
}

/** Of a line, in a message. */
const TEXT_MAX = 200;

/** Every 0 is there, and what is not available is not, as `nvidia-smi` has it; `graphics()` drops both. */
function readRows({ fields, output, error }: NvidiaSmiAnswer): { gpus: Gpu[]; faults: SampleError[] } {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const rows = lines.map((line, at) => parseCells(line.split(', '), fields, at) ?? line);
  const faults = rows.flatMap((row) =>
    typeof row === 'string' ? [new SampleError('device', `nvidia-smi: ${row.trim().slice(0, TEXT_MAX)}`)] : row.faults,
  );
  return {
    gpus: rows.flatMap((row) =>
      typeof row === 'string' ? [] : [{ ...row.gpu, id: idOf(row.gpu.pciAddress, row.gpu.name) }],
    ),
    faults: error === undefined ? faults : [...faults, new SampleError('device', error)],
  };
}

/** The same under both backends, which ask for them by other names. */
const NAMES: Readonly<Partial<Record<string, string>>> = {
  'clocks.gr': 'clocks.current.graphics',
  'clocks.mem': 'clocks.current.memory',
};

/** Puts the cells in the order in which the other backend asks for them. */
function parseCells(cells: readonly string[], fields: readonly string[], index: number): Row | undefined {
  if (cells.length !== fields.length) return undefined;
  const byName = new Map(fields.map((field, at) => [NAMES[field] ?? field, cells[at] ?? '']));
  byName.set('index', String(index));
  const columns = createQuery(new Set()).columns.flatMap((column) => {
    const name = column.names.find((one) => byName.has(one));
    return name === undefined ? [] : [{ column, cell: byName.get(name) ?? '' }];
  });
  return parseRow(
    columns.map(({ cell }) => cell).join(', '),
    columns.map(({ column }) => column),
  );
}

function isNvidia({ vendor = '', pciBus }: GraphicsController): boolean {
  return pciBus !== undefined || /nvidia/i.test(vendor);
}

function ofController(
  { vendor, model, busAddress, vram, vramDynamic }: GraphicsController,
  index: number,
  platform: NodeJS.Platform,
): Gpu {
  // On Linux it is how much of the memory can be seen over the bus; dynamic is what is taken of the memory of the host.
  const isKnown = platform !== 'linux' && vramDynamic !== true && typeof vram === 'number' && vram > 0;
  return {
    id: idOf(busAddress, String(index)),
    name: String(index),
    model: filled(model),
    vendor: filled(vendor),
    pciAddress: filled(busAddress),
    state: 'ok',
    values: isKnown ? { memoryLimit: vram * 2 ** 20 } : {},
  };
}

/** What it does not know, systeminformation says as an empty string. */
function filled(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function idOf(pciAddress: string | undefined, index: string): string {
  return filled(pciAddress) === undefined ? `index:${index}` : `pci:${pciAddress}`;
}
