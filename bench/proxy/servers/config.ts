import { parseConfig, type Config } from '../../../src/config/index.ts';
import { upstreamUrl } from '../../serving.ts';

/** A gateway in front of one upstream, all other things as they are by default: pull and observables are on. */
export function gatewayConfig(): Config {
  const listen = { inference: '127.0.0.1:0', management: '127.0.0.1:0', metrics: '127.0.0.1:0' };
  const upstream = { name: 'iris', url: upstreamUrl(), protocol: 'open-inference', models: [{ name: 'iris' }] };
  const loaded = parseConfig({
    // JSON is YAML.
    text: JSON.stringify({ listen, upstreams: [upstream] }),
    source: 'the configuration of the benchmark',
    env: {},
    readFile: (path) => {
      throw new Error(`${path} is not to be read`);
    },
  });
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  return loaded.config;
}
