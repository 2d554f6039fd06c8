/**
 * What is on a simulated disk, and what of it is there after a power cut.
 *
 * - Of the writes and truncations of a file since it was last synced, each one is lost, kept, or torn (its head or its tail is kept), whatever became of
 *   the others; a write of several parts is as many writes. Bytes below the size that nothing has reached are zeros, or garbage. The size may be
 *   that of what was kept, or that which the process saw.
 * - Of the files that were created and removed since the folder was last synced, each one is or is not, whatever became of the others. A file of which the name
 *   is lost is gone, even where it was synced.
 * - After a `sync` that failed, the process goes on seeing what it has written, and a later `sync` succeeds, but may not bring it to the disk: as on Linux.
 *
 * Not simulated: bytes that change though nobody has written them (test/push/queue/damage.test.ts has that), and a disk that lies about `sync`.
 */
export interface Disk {
  readonly directories: Set<string>;
  /** As the process sees them. */
  readonly names: Map<string, Inode>;
  /** What a power cut leaves for sure, and what has changed since. */
  durableNames: Map<string, Inode>;
  nameChanges: { readonly path: string; readonly inode: Inode | undefined }[];
}

/** Bytes are replaced, never changed in their place. */
export interface Inode {
  /** As the process sees it. */
  data: Uint8Array;
  /** As in `Disk`. */
  durable: Uint8Array;
  changes: Change[];
}

/** `failed`: no later sync makes it durable. `bytes` not given = truncated there. */
interface Change {
  state: 'pending' | 'synced' | 'failed';
  readonly position: number;
  readonly bytes?: Uint8Array;
}

/** What the power cut does wherever it may do different things. */
export interface Cut {
  /** A number from 0 on and below `count`. */
  readonly choose: (count: number) => number;
  /** The same for what is seldom, where 0 = nothing of the kind: torn writes, sizes without data, garbage. */
  readonly chooseRare: (count: number) => number;
  /** Where a write of so many bytes is torn. */
  readonly tear: (length: number) => number;
  readonly garbage: (length: number) => Uint8Array;
}

/**
 * @param rare how many things that are seldom it does at most.
 * @param stale what files had that were removed: a part of the garbage.
 */
export function createCut(
  choose: Cut['choose'],
  rare: number,
  stale: () => Uint8Array | undefined = () => undefined,
): Cut {
  let left = rare;
  return {
    choose,
    chooseRare: (count) => {
      const chosen = left > 0 ? choose(count) : 0;
      if (chosen > 0) left -= 1;
      return chosen;
    },
    tear: (length) => length >> 1,
    garbage: (length) => {
      const garbage = Uint8Array.from({ length }, (_, index) => (index * 97 + 13) % 256);
      garbage.set((stale() ?? garbage).subarray(0, length));
      return garbage;
    },
  };
}

export function createDisk(directories: readonly string[] = []): Disk {
  return { directories: new Set(directories), names: new Map(), durableNames: new Map(), nameChanges: [] };
}

/** What is there when the power is back. The disk that is given stays as it is. */
export function cutPower(disk: Disk, cut: Cut): Disk {
  const names = new Map(disk.durableNames);
  for (const { path, inode } of disk.nameChanges) if (cut.choose(2) === 1) setName(names, path, inode);
  const survivors = new Map([...new Set(names.values())].map((inode) => [inode, createInode(cutFile(inode, cut))]));
  return renameAll({ ...disk, names, durableNames: names, nameChanges: [] }, (inode) => survivors.get(inode) ?? inode);
}

/** The disk as it is now, whatever happens to it later. */
export function copyDisk(disk: Disk): Disk {
  const copies = new Map<Inode, Inode>();
  return renameAll(disk, (inode) => {
    const copy = copies.get(inode) ?? { ...inode, changes: inode.changes.map((change) => ({ ...change })) };
    copies.set(inode, copy);
    return copy;
  });
}

export function createInode(data: Uint8Array = new Uint8Array()): Inode {
  return { data, durable: data, changes: [] };
}

export function setName(names: Map<string, Inode>, path: string, inode: Inode | undefined): void {
  if (inode === undefined) names.delete(path);
  else names.set(path, inode);
}

export function writeInode(inode: Inode, bytes: Uint8Array, position: number): void {
  if (bytes.length === 0) return;
  inode.data = write(inode.data, bytes, position);
  inode.changes.push({ state: 'pending', position, bytes: bytes.slice() });
}

export function truncateInode(inode: Inode, size: number): void {
  inode.data = resize(inode.data, size);
  inode.changes.push({ state: 'pending', position: size });
}

export function syncInode(inode: Inode): void {
  for (const change of inode.changes) if (change.state === 'pending') change.state = 'synced';
  if (inode.changes.some(({ state }) => state === 'failed')) return;
  inode.durable = inode.data;
  inode.changes = [];
}

export function failSyncOfInode(inode: Inode): void {
  for (const change of inode.changes) if (change.state === 'pending') change.state = 'failed';
}

function renameAll(disk: Disk, inodeFor: (inode: Inode) => Inode): Disk {
  const rename = (names: Map<string, Inode>) => new Map([...names].map(([path, inode]) => [path, inodeFor(inode)]));
  return {
    directories: new Set(disk.directories),
    names: rename(disk.names),
    durableNames: rename(disk.durableNames),
    nameChanges: disk.nameChanges.map(({ path, inode }) => ({ path, inode: inode && inodeFor(inode) })),
  };
}

function cutFile({ data, durable, changes }: Inode, cut: Cut): Uint8Array {
  let left = durable;
  /** 1 = something has been there. */
  let reached = new Uint8Array(durable.length).fill(1);
  for (const { state, position, bytes } of changes) {
    const kept = state === 'synced' ? { position, bytes } : cutChange(position, bytes, cut);
    if (kept === undefined) continue;
    left = kept.bytes ? write(left, kept.bytes, kept.position) : resize(left, kept.position);
    reached = kept.bytes
      ? write(reached, new Uint8Array(kept.bytes.length).fill(1), kept.position)
      : resize(reached, kept.position);
  }
  if (left.length < data.length && cut.chooseRare(2) === 1) {
    left = resize(left, data.length);
    reached = resize(reached, data.length);
  }
  if (!reached.includes(0) || cut.chooseRare(2) === 0) return left;
  const garbage = cut.garbage(left.length);
  return left.map((byte, index) => (reached[index] === 1 ? byte : (garbage[index] ?? 0)));
}

/** @returns undefined if it is lost. */
function cutChange(
  position: number,
  bytes: Uint8Array | undefined,
  { choose, chooseRare, tear }: Cut,
): { position: number; bytes: Uint8Array | undefined } | undefined {
  if (choose(2) === 0) return undefined;
  const torn = bytes === undefined || bytes.length === 1 ? 0 : chooseRare(3);
  if (torn === 0 || bytes === undefined) return { position, bytes };
  const at = tear(bytes.length);
  if (torn === 1) return { position, bytes: bytes.subarray(0, at) };
  return { position: position + at, bytes: bytes.subarray(at) };
}

function write(data: Uint8Array, bytes: Uint8Array, position: number): Uint8Array<ArrayBuffer> {
  const written = resize(data, Math.max(data.length, position + bytes.length));
  written.set(bytes, position);
  return written;
}

/** Grows with zeros. */
function resize(data: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const resized = new Uint8Array(size);
  resized.set(data.subarray(0, size));
  return resized;
}
