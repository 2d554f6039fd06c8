import { kserveV1 } from './kserve-v1.ts';
import { openInference } from './open-inference.ts';
import { unnamedModel, type Protocol, type ProtocolOptions } from './protocol.ts';
import { createRouteTable } from './route-table.ts';

const VERSION = '{model_name}/{model_version}';
/** The model is in the query or in the form, or it is the only one that the server started with. */
const INVOCATIONS = '/invocations';

/**
 * TorchServe: predictions, explanations, workflows, and the paths of the servers that it took the place of (Multi Model Server,
 * SageMaker); it also answers those of KServe v1 and v2. Its management API is another listener, which may be the upstream as well:
 * what is said there about a model tells of what is to come or to go, so no model becomes known by it.
 *
 * Sources: https://pytorch.org/serve/inference_api.html and management_api.html; `InferenceRequestHandler.java`
 */
export function createTorchserve(options: ProtocolOptions): Protocol {
  const own = createRouteTable({
    // It predicts by any method; OPTIONS describes.
    asks: (method) => method !== 'OPTIONS',
    unnamed: unnamedModel(options),
    inference: [
      ...['/predictions', '/explanations'].flatMap((root) =>
        ['{model_name}', VERSION, `${VERSION}/*`].map((rest) => `${root}/${rest}`),
      ),
      '/wfpredict/{workflow_name}',
      INVOCATIONS,
      '/models/{model_name}/invoke',
      '/{model_name}/predict',
      `/${VERSION}/predict`,
      '/v2/models/{model_name}/explain',
    ],
    control: [
      ...['/', '/ping', '/api-description', '/metrics', '/models', '/models/{model_name}', `/models/${VERSION}`],
      ...['/models/{model_name}/all', `/models/${VERSION}/set-default`, '/workflows', '/workflows/{workflow_name}'],
    ],
  });
  return {
    name: 'torchserve',
    routes: [...own.routes, ...kserveV1.routes, ...openInference.routes],
    recognise: (method, segments, query = '') => {
      const found =
        own.recognise(method, segments) ??
        kserveV1.recognise(method, segments) ??
        openInference.recognise(method, segments);
      if (!found?.inference || found.route !== INVOCATIONS) return found;
      const model = new URLSearchParams(query).get('model_name');
      return model ? { ...found, model, version: undefined } : found;
    },
  };
}
