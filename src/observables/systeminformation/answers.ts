/**
 * What the child process can be asked for, and what it answers: what systeminformation 5.33 gives, less what is wrong in it. A null is
 * what it does not know. Nothing is computed from it here; who asks does that.
 */
export interface Answers {
  readonly cpu: CpuAnswer;
  readonly memory: MemoryAnswer;
  readonly filesystems: readonly FilesystemAnswer[];
  readonly networkInterfaces: readonly NetworkInterfaceAnswer[];
  readonly gpus: GpusAnswer;
}

export type Question = keyof Answers;

/** Milliseconds since the machine started that all CPUs together spent in a mode. */
export interface CpuAnswer {
  readonly logicalCount: number;
  readonly timeMs: {
    readonly user: number;
    readonly nice: number;
    readonly system: number;
    readonly idle: number;
    readonly interrupt: number;
  };
}

/** `mem()`, in bytes. */
export interface MemoryAnswer {
  readonly total: number;
  readonly free: number;
  readonly cached: number;
  readonly buffers: number;
  readonly slab: number;
  readonly reclaimable: number;
  readonly available: number;
  readonly swaptotal: number;
  readonly swapused: number;
  readonly swapfree: number;
  /** On Linux null when `/proc/meminfo` could not be read, and all of the above is a guess. */
  readonly writeback: number | null;
}

/** `fsSize()`, in bytes. */
export interface FilesystemAnswer {
  readonly fs: string;
  readonly type: string;
  readonly mount: string;
  readonly size: number;
  readonly used: number;
  readonly available: number;
  readonly rw: boolean | null;
}

/** `networkStats('*')`. */
export interface NetworkInterfaceAnswer {
  readonly iface: string;
  /** Since it was read before; 0 the first time, and when it could not be read. */
  readonly ms: number;
  readonly rx_bytes: number | null;
  readonly rx_dropped: number | null;
  readonly rx_errors: number | null;
  readonly tx_bytes: number | null;
  readonly tx_dropped: number | null;
  readonly tx_errors: number | null;
}

/** `graphics()`, and what it saw of NVIDIA's tool. */
export interface GpusAnswer {
  readonly controllers: readonly GraphicsController[];
  /** What it finds GPUs by on this platform, and could not start. */
  readonly missing?: string | undefined;
  readonly nvidiaSmi?: NvidiaSmiAnswer | undefined;
}

export interface GraphicsController {
  readonly vendor?: string | undefined;
  readonly model?: string | undefined;
  readonly busAddress?: string | undefined;
  /** Of the card of `nvidia-smi` that it was found to be. */
  readonly pciBus?: string | undefined;
  /** MiB. */
  readonly vram?: number | null | undefined;
  readonly vramDynamic?: boolean | undefined;
}

/** The one run of `nvidia-smi --query-gpu=... --format=csv,noheader,nounits` in `graphics()`. */
export interface NvidiaSmiAnswer {
  readonly fields: readonly string[];
  readonly output: string;
  /** Why it failed; its output may be there all the same. */
  readonly error?: string | undefined;
}
