/** Debian's package, and its program. */
export const NODE_EXPORTER = 'prometheus-node-exporter';

/** Those that read what we read, and nothing else. */
export const COLLECTORS = ['cpu', 'loadavg', 'meminfo', 'vmstat', 'diskstats', 'filesystem', 'netdev', 'pressure'];

/** It chooses a port, and does not show what it reads of itself. */
export const FLAGS = [
  '--web.listen-address=127.0.0.1:0',
  '--web.disable-exporter-metrics',
  '--collector.disable-defaults',
  ...COLLECTORS.map((name) => `--collector.${name}`),
];
