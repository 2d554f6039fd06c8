import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the fake does; looked at before each round. */
export interface Behaviour {
  /** The file with the rows: in test/fixtures/gpu, or any other in its format. */
  readonly answer: string;
  /** Writes nothing more, and goes on. */
  readonly stops?: boolean;
  /** Lines that it writes before the rows, each once. */
  readonly says?: readonly string[];
  /** Writes a line and exits. */
  readonly exits?: { readonly status: number; readonly text: string };
  /** Writes so many characters at once, and the rest a little later. */
  readonly pieceLength?: number;
  /** Said after a name that it rejects. */
  readonly hint?: string;
  /** Looked at when it starts. */
  readonly ignoresSigterm?: boolean;
}

export interface FakeNvidiaSmi {
  /** Of the program. */
  readonly path: string;
  behave(behaviour: Partial<Omit<Behaviour, 'answer'>> & { readonly answer?: string }): void;
  /** All starts so far. */
  starts(): { readonly pid: number; readonly argv: readonly string[] }[];
  /** Processes of these that there still are. */
  running(): number[];
  /** Takes the program away, or puts it back. */
  install(isThere: boolean): void;
  remove(): void;
}

const FIXTURES = fileURLToPath(new URL('../fixtures/gpu/', import.meta.url));
const PROGRAM = fileURLToPath(new URL('./fake-nvidia-smi-program.ts', import.meta.url));

/** @param answer the name of a file in test/fixtures/gpu, or an absolute path. */
export function createFakeNvidiaSmi(answer: string): FakeNvidiaSmi {
  const directory = mkdtempSync(join(tmpdir(), 'nvidia-smi-'));
  const path = join(directory, 'nvidia-smi');
  const behave: FakeNvidiaSmi['behave'] = ({ answer: other = answer, ...rest }) => {
    const file = join(directory, 'behaviour.json');
    const behaviour: Behaviour = { answer: other.startsWith('/') ? other : join(FIXTURES, other), ...rest };
    writeFileSync(`${file}.new`, JSON.stringify(behaviour));
    renameSync(`${file}.new`, file);
  };
  const install: FakeNvidiaSmi['install'] = (isThere) => {
    if (!isThere) return rmSync(path);
    writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' '${directory}' "$@"\n`);
    chmodSync(path, 0o755);
  };
  const starts: FakeNvidiaSmi['starts'] = () => {
    const file = join(directory, 'starts.jsonl');
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as ReturnType<FakeNvidiaSmi['starts']>[number]);
  };
  behave({});
  install(true);
  return {
    path,
    behave,
    starts,
    install,
    running: () => starts().flatMap(({ pid }) => (isRunning(pid) ? [pid] : [])),
    remove: () => rmSync(directory, { recursive: true }),
  };
}

export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
