/**
 * What the queue needs of a file system, so that tests can take the power away at any point.
 *
 * What `write` has written is safe from a crash of the process at once, and from a power cut only after `sync`; until then any part of it may be
 * there after the cut, in any order. A file that was created is there after a power cut only when its folder was synced, too; a file
 * that was removed may be there again unless the folder was synced.
 *
 * All calls reject with the error of the system, which has a `code`.
 */
export interface FileSystem {
  /** With all folders above it, mode 0700. */
  makeDirectory(path: string): Promise<void>;
  /** Names, in no order. */
  list(directory: string): Promise<string[]>;
  /** Mode 0600. @throws `EEXIST` if there is one of that name. */
  create(path: string): Promise<File>;
  /** For reading and writing; where the disk allows it to be read only, to write rejects with what was wrong. */
  open(path: string): Promise<File>;
  remove(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
}

export interface File {
  /** In bytes. */
  size(): Promise<number>;
  /** Whether it has a name: nobody has removed it. */
  isLinked(): Promise<boolean>;
  /** Fills `into` from there on. @returns how many bytes there were; less than wanted only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** All of them one after the other, or rejects, with any part of it written. */
  write(parts: readonly Uint8Array[], position: number): Promise<void>;
  truncate(size: number): Promise<void>;
  /** Data, and the size of the file. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
