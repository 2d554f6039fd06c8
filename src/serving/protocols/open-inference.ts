import type { Protocol } from './protocol.ts';
import { createRouteTable } from './route-table.ts';

const MODELS = ['/v2/models/{model_name}', '/v2/models/{model_name}/versions/{model_version}'];
/** About a model by name only: MLServer has a page for every name, so an answer is no news about the model. */
const NAME_ONLY = ['docs', 'docs/dataplane.json', 'trace/setting'];
const REPOSITORIES = ['/v2/repository', '/v2/repository/{repository_name}'];
const MEMORIES = ['systemsharedmemory', 'cudasharedmemory'].flatMap((kind) => [
  `/v2/${kind}`,
  `/v2/${kind}/region/{region_name}`,
]);

/**
 * The Open Inference Protocol over REST (KServe v2), with what MLServer and Triton add to it: generate, streaming, statistics,
 * documentation, tracing, the model repository and shared memory.
 *
 * Source: https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md
 */
export const openInference: Protocol = {
  name: 'open-inference',
  ...createRouteTable({
    inference: below(MODELS, ['infer', 'infer_stream', 'generate', 'generate_stream']),
    model: [...MODELS, ...below(MODELS, ['ready', 'config', 'stats'])],
    control: [
      '/v2',
      '/v2/health/live',
      '/v2/health/ready',
      ...below(MODELS, NAME_ONLY),
      // Loading answers 2xx for whatever name the repository holds: no news about a model that can be asked either.
      ...below(REPOSITORIES, ['index', 'models/{model_name}/load', 'models/{model_name}/unload']),
      ...below(MEMORIES, ['status', 'register', 'unregister']),
    ],
  }),
};

function below(roots: readonly string[], paths: readonly string[]): string[] {
  return roots.flatMap((root) => paths.map((path) => `${root}/${path}`));
}
