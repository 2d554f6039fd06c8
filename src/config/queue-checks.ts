import { resolve, sep } from 'node:path';
import type { CheckOptions } from './checks.ts';
import { indices, isMapping, pathText, type Path } from './paths.ts';
import { readSize, readText, sizeText } from './values.ts';

/** @param directory not given = in memory. */
export function defaultQueueSize(directory: unknown): string {
  return directory === undefined ? '64MiB' : '512MiB';
}

/** Checks of what waits to be pushed. */
export function checkQueues(options: CheckOptions): void {
  for (const index of indices(options.value(['push']))) roomForBatches(['push', index], options);
  foldersApart(options);
}

/** One that is being sent, and one that has just been collected. */
function roomForBatches(path: Path, { value, report }: CheckOptions): void {
  if (!isMapping(value([...path, 'queue']))) return;
  const given = value([...path, 'queue', 'max_size']) ?? defaultQueueSize(value([...path, 'queue', 'directory']));
  const [queue, batch] = [given, value([...path, 'max_batch_size'])].map((size) => readText(size, readSize));
  if (queue !== undefined && batch !== undefined && queue < 2 * batch) {
    const batches = `twice ${pathText([...path, 'max_batch_size'])}`;
    report([...path, 'queue', 'max_size'], `must be at least ${sizeText(2 * batch)}, ${batches}`);
  }
}

/** A queue takes what else is in its folder for something foreign, and a file system may not tell `a` from `A`. */
function foldersApart({ value, report }: CheckOptions): void {
  const folders: { path: Path; name: string; folder: string }[] = [];
  for (const index of indices(value(['push']))) {
    const path = ['push', index, 'queue', 'directory'];
    const [directory, name] = [value(path), value(['push', index, 'name'])];
    if (typeof directory !== 'string' || directory === '' || typeof name !== 'string') continue;
    const folder = resolve(directory, name).toLowerCase() + sep;
    // That a name is there twice is another problem.
    const other = folders.find((each) => each.name !== name && overlap(each.folder, folder));
    if (other !== undefined) {
      report(
        path,
        `must be another one: with the name, its folder is that of ${pathText(other.path)}, or one is in the other`,
      );
    }
    folders.push({ path, name, folder });
  }
}

function overlap(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}
