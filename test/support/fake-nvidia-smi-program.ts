// Stands for nvidia-smi: DIRECTORY is its first argument, what follows is what nvidia-smi gets. See fake-nvidia-smi.ts.
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Behaviour } from './fake-nvidia-smi.ts';

const [directory = '', ...argv] = process.argv.slice(2);
// As a C program, which ends when nobody reads its output any more.
process.stdout.on('error', () => process.exit(141));

const behaviour = (): Behaviour => JSON.parse(readFileSync(join(directory, 'behaviour.json'), 'utf8')) as Behaviour;

const { values } = parseArgs({
  // node:util has no short option of several letters.
  args: argv.map((arg) => (arg === '-lms' ? '--loop-ms' : arg)),
  options: { 'query-gpu': { type: 'string' }, format: { type: 'string' }, 'loop-ms': { type: 'string' } },
});
const names = values['query-gpu']?.split(',') ?? [];
const options = values.format?.split(',') ?? [];

appendFileSync(join(directory, 'starts.jsonl'), `${JSON.stringify({ pid: process.pid, argv })}\n`);
if (behaviour().ignoresSigterm) process.on('SIGTERM', () => {});

let said = 0;
for (let nth = 0; ; nth++) {
  const { answer, stops, says = [], exits, pieceLength } = behaviour();
  if (exits) {
    process.stdout.write(`${exits.text}\n`);
    process.exit(exits.status);
  }
  if (!stops) {
    for (; said < says.length; said++) process.stdout.write(`${says[said] ?? ''}\n`);
    const text = roundOf(answer, nth);
    const length = pieceLength ?? text.length;
    for (let at = 0; at < text.length; at += length) {
      process.stdout.write(text.slice(at, at + length));
      if (pieceLength !== undefined) await sleep(1);
    }
  }
  await sleep(Number(values['loop-ms']));
}

/** The rows of the nth round, of the last one when there are no more; exits as nvidia-smi when there is a name that is not known. */
function roundOf(answer: string, nth: number): string {
  const [head = '', ...rest] = readFileSync(answer, 'utf8').trimEnd().split('\n');
  const columns = head.split(', ').map((column) => column.split(' [')[0]);
  const rounds = rest.join('\n').split('\n\n');
  const rows = (rounds[Math.min(nth, rounds.length - 1)] ?? '').split('\n');
  const at = names.map((name) => columns.indexOf(name));
  const unknown = at.indexOf(-1);
  if (unknown >= 0) {
    process.stdout.write(
      `Field "${names[unknown] ?? ''}" is not a valid field to query.\n\n${behaviour().hint ?? ''}\n`,
    );
    process.exit(2);
  }
  const cell = (text = ''): string => (options.includes('nounits') ? text.replace(/ (%|MiB|MHz|W|us)$/, '') : text);
  const line = (row: string): string => {
    const cells = row.split(', ');
    return at.map((column) => cell(cells[column])).join(', ');
  };
  return [...(options.includes('noheader') ? [] : [head]), ...rows].map((row) => `${line(row)}\n`).join('');
}
