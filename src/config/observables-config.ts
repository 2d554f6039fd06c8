/** Readings of the machine. Part of `Config`. */
export interface ObservablesConfig {
  /** Kubernetes says so; `auto` then is off. */
  readonly inPod: boolean;
  readonly host: HostConfig;
  readonly container: ObservableConfig;
  readonly process: ObservableConfig;
  readonly gpu: GpuConfig;
}

export interface ObservableConfig {
  readonly enabled: boolean;
  readonly intervalMs: number;
}

export interface HostConfig {
  readonly enabled: boolean | 'auto';
  readonly backend: 'auto' | 'procfs' | 'systeminformation';
  /** An absolute path without a slash at its end, unless it is `/`. */
  readonly root: string;
  readonly intervalMs: number;
  /** Patterns with `*` and `?`, here and below. */
  readonly disks: { readonly excluded: readonly string[] };
  readonly filesystems: {
    readonly intervalMs: number;
    readonly types: readonly string[];
    readonly excluded: readonly string[];
  };
  readonly networkInterfaces: { readonly excluded: readonly string[] };
}

export interface GpuConfig {
  readonly enabled: boolean | 'auto';
  readonly backend: 'auto' | 'nvidia-smi' | 'systeminformation' | 'simulated';
  readonly intervalMs: number;
  readonly nvidiaSmi: { readonly path: string };
  readonly simulated: { readonly gpus: number };
}
