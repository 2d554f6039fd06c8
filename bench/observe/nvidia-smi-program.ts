import { readFileSync } from 'node:fs';

/** Writes rows as it is asked to, in the format of the real one, those of a recording; what GPUs at work change changes each time. */
const RECORDING = new URL('../../test/fixtures/gpu/h100x8.csv', import.meta.url);
const CHANGES =
  /^(utilization\.(gpu|memory)|memory\.(used|free)|temperature\..*|power\.draw.*|clocks\.current\.(graphics|sm))$/;
const UNIT = / (%|MiB|MHz|W|us)$/;

const [query = '', , , intervalMs] = process.argv.slice(2);
const [head = '', ...lines] = (readFileSync(RECORDING, 'utf8').split('\n\n')[0] ?? '').trimEnd().split('\n');
const recorded = head.split(', ').map((column) => column.replace(/ \[.*\]$/, ''));
const columns = query
  .replace('--query-gpu=', '')
  .split(',')
  .map((name) => ({ at: recorded.indexOf(name), changes: CHANGES.test(name) }));
const unknown = query
  .replace('--query-gpu=', '')
  .split(',')
  .filter((name) => !recorded.includes(name));
if (unknown.length > 0) {
  process.stdout.write(unknown.map((name) => `Field "${name}" is not a valid field to query.\n`).join(''));
  process.exit(2);
}
const rows = lines.map((line) => line.split(', ').map((cell) => cell.replace(UNIT, '')));
// As a C program, which ends when nobody reads its output any more.
process.stdout.on('error', () => process.exit(141));

let round = 0;
writeRound();
setInterval(writeRound, Number(intervalMs));

function writeRound(): void {
  round++;
  const text = rows.map((row, nth) => columns.map(({ at, changes }) => cellOf(row[at] ?? '', changes, nth)).join(', '));
  process.stdout.write(`${text.join('\n')}\n`);
}

function cellOf(cell: string, changes: boolean, nth: number): string {
  if (!changes) return cell;
  const changed = Number(cell) - ((round * 7 + nth) % 5);
  return cell.includes('.') ? changed.toFixed(2) : String(changed);
}
