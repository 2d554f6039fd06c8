import type { Protocol, Recognition } from './protocol.ts';

const INFERENCE_VERBS = new Set(['infer', 'infer_stream', 'generate', 'generate_stream']);
const CONTROL_VERBS = new Set(['ready', 'config', 'stats']);
/** About a model by name only: MLServer has a page for every name, so an answer is no news about the model. */
const NAME_ONLY = new Set(['docs', 'docs/dataplane.json', 'trace/setting']);
const REPOSITORY_VERBS = new Set(['load', 'unload']);
const MEMORY_VERBS = new Set(['status', 'register', 'unregister']);

const MODEL = '/v2/models/{model_name}';
const MODEL_VERSION = '/v2/models/{model_name}/versions/{model_version}';

/**
 * The Open Inference Protocol over REST (KServe v2), with what MLServer and Triton add to it: generate, streaming, statistics,
 * documentation, tracing, the model repository and shared memory.
 *
 * Source: https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md
 */
export const openInference: Protocol = {
  name: 'open-inference',

  recognise: (method, [root, area, ...rest]) => {
    if (root !== 'v2') return undefined;
    switch (area) {
      case undefined:
        return control('/v2');
      case 'health':
        return rest.length === 1 && (rest[0] === 'live' || rest[0] === 'ready')
          ? control(`/v2/health/${rest[0]}`)
          : undefined;
      case 'models':
        return rest[0] ? recogniseModel(method, rest[0], rest.slice(1)) : undefined;
      case 'repository':
        return recogniseRepository(rest);
      case 'systemsharedmemory':
      case 'cudasharedmemory':
        return recogniseMemory(area, rest);
      default:
        return undefined;
    }
  },
};

function recogniseModel(method: string, model: string, rest: readonly string[]): Recognition | undefined {
  const versioned = rest[0] === 'versions';
  const version = versioned ? rest[1] : undefined;
  if (versioned && !version) return undefined;

  const [verb, page, ...beyond] = versioned ? rest.slice(2) : rest;
  const template = versioned ? MODEL_VERSION : MODEL;
  if (verb === undefined) return { route: template, inference: false, model, version };
  const action = page === undefined ? verb : `${verb}/${page}`;
  if (beyond.length === 0 && NAME_ONLY.has(action)) return control(`${template}/${action}`);
  if (page !== undefined) return undefined;
  if (!INFERENCE_VERBS.has(verb) && !CONTROL_VERBS.has(verb)) return undefined;
  const inference = method === 'POST' && INFERENCE_VERBS.has(verb);
  return { route: `${template}/${verb}`, inference, model, version };
}

/** Loading answers 2xx for whatever name the repository holds, so it is not taken as news about a model that can be asked. */
function recogniseRepository(rest: readonly string[], root = '/v2/repository'): Recognition | undefined {
  const [area, name, verb, ...beyond] = rest;
  if (area === 'index' && name === undefined) return control(`${root}/index`);
  if (area === 'models' && name && verb !== undefined && beyond.length === 0 && REPOSITORY_VERBS.has(verb)) {
    return control(`${root}/models/{model_name}/${verb}`);
  }
  const named = root.endsWith('}');
  return area && !named ? recogniseRepository(rest.slice(1), `${root}/{repository_name}`) : undefined;
}

function recogniseMemory(area: string, rest: readonly string[]): Recognition | undefined {
  const region = rest[0] === 'region' && Boolean(rest[1]);
  const [verb, ...beyond] = region ? rest.slice(2) : rest;
  if (verb === undefined || beyond.length > 0 || !MEMORY_VERBS.has(verb)) return undefined;
  return control(`/v2/${area}${region ? '/region/{region_name}' : ''}/${verb}`);
}

function control(route: string): Recognition {
  return { route, inference: false };
}
