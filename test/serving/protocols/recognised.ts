import type { ProtocolName } from '../../../src/config/protocols.ts';
import { protocols } from '../../../src/serving/protocols/index.ts';
import type { Protocol, ProtocolOptions, Recognition } from '../../../src/serving/protocols/protocol.ts';
import { parseTarget } from '../../../src/serving/proxy/target.ts';

/** What an upstream `up` is configured with, in the tables. */
export const OPTIONS: ProtocolOptions = {
  name: 'up',
  models: [],
  routes: [
    { path: '/classify', task: false },
    { path: '/v1/train', task: true },
  ],
};

export const all: Readonly<Record<ProtocolName, Protocol>> = {
  'open-inference': protocols['open-inference'](),
  'kserve-v1': protocols['kserve-v1'](),
  torchserve: protocols.torchserve(OPTIONS),
  bentoml: protocols.bentoml(OPTIONS),
  mlflow: protocols.mlflow(OPTIONS),
  'mlflow-tracking': protocols['mlflow-tracking'](),
  auto: protocols.auto(OPTIONS),
};

/** @returns undefined also for a target that the proxy refuses before. */
export function recognise(protocol: Protocol, method: string, target: string): Recognition | undefined {
  const parsed = parseTarget(target);
  return parsed && protocol.recognise(method, parsed.segments, parsed.query);
}

/**
 * How a request is recognised: `asks` for a prediction, is `about` a model, is `control`, or is control that is `unmeasured`; then
 * model and version, where there are any.
 */
export type Row = readonly [
  request: string,
  route: string,
  kind: 'asks' | 'about' | 'control' | 'unmeasured',
  model?: string,
  version?: string,
];

/** From the reference: what each server says of itself. Open Inference has a test of its own. */
export const tables: Readonly<Record<Exclude<ProtocolName, 'open-inference'>, readonly Row[]>> = {
  'kserve-v1': [
    ['POST /v1/models/iris:predict', '/v1/models/{model_name}:predict', 'asks', 'iris'],
    ['POST /v1/models/iris:explain', '/v1/models/{model_name}:explain', 'asks', 'iris'],
    ['POST /v1/models/iris:classify', '/v1/models/{model_name}:classify', 'asks', 'iris'],
    ['POST /v1/models/iris:regress', '/v1/models/{model_name}:regress', 'asks', 'iris'],
    ['POST /v1/models/iris%3Apredict', '/v1/models/{model_name}:predict', 'asks', 'iris'],
    ['POST /v1/models/a:predict:predict', '/v1/models/{model_name}:predict', 'asks', 'a:predict'],
    ['POST /v1/models/org%2Firis:predict', '/v1/models/{model_name}:predict', 'asks', 'org/iris'],
    ['GET /v1/models/iris:predict', '/v1/models/{model_name}:predict', 'about', 'iris'],
    ['OPTIONS /v1/models/iris:predict', '/v1/models/{model_name}:predict', 'control'],
    [
      'POST /v1/models/iris/versions/3:predict',
      '/v1/models/{model_name}/versions/{model_version}:predict',
      'asks',
      'iris',
      '3',
    ],
    [
      'POST /v1/models/iris/labels/stable:predict',
      '/v1/models/{model_name}/labels/{version_label}:predict',
      'asks',
      'iris',
    ],
    ['GET /v1/models/iris', '/v1/models/{model_name}', 'about', 'iris'],
    ['GET /v1/models/iris:', '/v1/models/{model_name}', 'about', 'iris:'],
    ['GET /v1/models/:predict', '/v1/models/{model_name}', 'about', ':predict'],
    ['GET /v1/models/iris/versions/3', '/v1/models/{model_name}/versions/{model_version}', 'about', 'iris', '3'],
    ['GET /v1/models/iris/metadata', '/v1/models/{model_name}/metadata', 'about', 'iris'],
    ['GET /v1/models', '/v1/models', 'control'],
    ['GET /', '/', 'control'],
    ['GET /metrics', '/metrics', 'control'],
  ],
  torchserve: [
    ['POST /predictions/iris', '/predictions/{model_name}', 'asks', 'iris'],
    ['GET /predictions/iris?data=1', '/predictions/{model_name}', 'asks', 'iris'],
    ['PUT /predictions/iris', '/predictions/{model_name}', 'asks', 'iris'],
    ['OPTIONS /predictions/iris', '/predictions/{model_name}', 'control'],
    ['POST /predictions/iris/2.0', '/predictions/{model_name}/{model_version}', 'asks', 'iris', '2.0'],
    ['POST /predictions/iris/2.0/a/b', '/predictions/{model_name}/{model_version}/*', 'asks', 'iris', '2.0'],
    ['POST /explanations/iris', '/explanations/{model_name}', 'asks', 'iris'],
    ['POST /explanations/iris/2.0', '/explanations/{model_name}/{model_version}', 'asks', 'iris', '2.0'],
    ['POST /wfpredict/flow', '/wfpredict/{workflow_name}', 'asks', 'flow'],
    ['POST /invocations?model_name=iris', '/invocations', 'asks', 'iris'],
    ['POST /invocations?a=b&model_name=a%2Fb', '/invocations', 'asks', 'a/b'],
    ['POST /invocations?model_name=', '/invocations', 'asks', 'up'],
    ['POST /invocations', '/invocations', 'asks', 'up'],
    ['OPTIONS /invocations?model_name=iris', '/invocations', 'control'],
    ['POST /models/iris/invoke', '/models/{model_name}/invoke', 'asks', 'iris'],
    ['POST /iris/predict', '/{model_name}/predict', 'asks', 'iris'],
    ['POST /iris/2.0/predict', '/{model_name}/{model_version}/predict', 'asks', 'iris', '2.0'],
    ['POST /v2/models/iris/explain', '/v2/models/{model_name}/explain', 'asks', 'iris'],
    ['POST /v1/models/iris:predict', '/v1/models/{model_name}:predict', 'asks', 'iris'],
    ['POST /v1/models/iris:explain', '/v1/models/{model_name}:explain', 'asks', 'iris'],
    ['POST /v2/models/iris/infer', '/v2/models/{model_name}/infer', 'asks', 'iris'],
    ['GET /v2/health/ready', '/v2/health/ready', 'control'],
    ['GET /ping', '/ping', 'control'],
    ['GET /api-description', '/api-description', 'control'],
    ['OPTIONS /', '/', 'control'],
    ['GET /metrics?name[]=ts_queue_latency_microseconds', '/metrics', 'control'],
    ['GET /models?limit=10', '/models', 'control'],
    ['POST /models?url=iris.mar', '/models', 'control'],
    ['GET /models/iris', '/models/{model_name}', 'control'],
    ['GET /models/iris/all', '/models/{model_name}/all', 'control'],
    ['PUT /models/iris?min_worker=2', '/models/{model_name}', 'control'],
    ['DELETE /models/iris/2.0', '/models/{model_name}/{model_version}', 'control'],
    ['PUT /models/iris/2.0/set-default', '/models/{model_name}/{model_version}/set-default', 'control'],
    ['GET /workflows', '/workflows', 'control'],
    ['DELETE /workflows/flow', '/workflows/{workflow_name}', 'control'],
  ],
  bentoml: [
    ['POST /classify', '/classify', 'asks', 'up'],
    ['POST /%63lassify?a=b', '/classify', 'asks', 'up'],
    ['GET /classify', '/classify', 'about', 'up'],
    ['OPTIONS /classify', '/classify', 'control'],
    ['POST /v1/train', '/v1/train', 'asks', 'up'],
    ['POST /v1/train/submit', '/v1/train/submit', 'asks', 'up'],
    ['POST /v1/train/retry?task_id=1', '/v1/train/retry', 'asks', 'up'],
    ['GET /v1/train/status?task_id=1', '/v1/train/status', 'control'],
    ['GET /v1/train/get?task_id=1', '/v1/train/get', 'control'],
    ['PUT /v1/train/cancel?task_id=1', '/v1/train/cancel', 'control'],
    ['GET /', '/', 'control'],
    ['GET /healthz', '/healthz', 'control'],
    ['GET /livez', '/livez', 'control'],
    ['GET /readyz', '/readyz', 'control'],
    ['GET /metrics', '/metrics', 'control'],
    ['GET /schema.json', '/schema.json', 'control'],
    ['GET /docs.json', '/docs.json', 'control'],
    ['GET /static_content/swagger-ui.css', '/static_content/*', 'control'],
  ],
  mlflow: [
    ['POST /invocations', '/invocations', 'asks', 'up'],
    ['POST /invocations?model_name=other', '/invocations', 'asks', 'up'],
    ['GET /invocations', '/invocations', 'about', 'up'],
    ['GET /ping', '/ping', 'control'],
    ['GET /health', '/health', 'control'],
    ['GET /version', '/version', 'control'],
  ],
  'mlflow-tracking': [
    ['POST /api/2.0/mlflow/runs/create', '/api/{api_version}/mlflow/runs/create', 'control'],
    ['GET /api/2.0/mlflow/runs/get?run_id=1', '/api/{api_version}/mlflow/runs/get', 'control'],
    ['POST /ajax-api/2.0/mlflow/runs/search', '/ajax-api/{api_version}/mlflow/runs/search', 'control'],
    ['GET /api/2.0/mlflow/metrics/get-history', '/api/{api_version}/mlflow/metrics/get-history', 'control'],
    ['POST /api/2.0/mlflow/logged-models', '/api/{api_version}/mlflow/logged-models', 'control'],
    ['PATCH /api/3.0/mlflow/traces/tr-1/tags', '/api/{api_version}/mlflow/traces/{trace_id}/tags', 'control'],
    ['GET /api/2.0/mlflow/workspaces', '/api/{api_version}/mlflow/*', 'control'],
    ['POST /api/2.0/mlflow/runs/not-yet-known', '/api/{api_version}/mlflow/*', 'control'],
    ['GET /api/2.0/mlflow-artifacts/artifacts', '/api/{api_version}/mlflow-artifacts/artifacts', 'control'],
    ['PUT /api/2.0/mlflow-artifacts/artifacts/0/a/b.bin', '/api/{api_version}/mlflow-artifacts/*', 'control'],
    ['POST /graphql', '/graphql', 'control'],
    ['POST /v1/traces', '/v1/traces', 'control'],
    ['GET /get-artifact?path=a', '/get-artifact', 'control'],
    ['GET /static-files/static/js/main.js', '/static-files/*', 'control'],
    ['POST /gateway/chat/mlflow/invocations', '/gateway/*', 'control'],
    ['GET /', '/', 'control'],
    ['GET /metrics', '/metrics', 'control'],
    ['GET /health', '/health', 'unmeasured'],
    ['GET /version', '/version', 'unmeasured'],
  ],
  auto: [
    ['POST /classify', '/classify', 'asks', 'up'],
    ['POST /v1/train/submit', '/v1/train/submit', 'asks', 'up'],
    [
      'POST /v2/models/iris/versions/1/infer',
      '/v2/models/{model_name}/versions/{model_version}/infer',
      'asks',
      'iris',
      '1',
    ],
    ['POST /v1/models/iris:predict', '/v1/models/{model_name}:predict', 'asks', 'iris'],
    ['GET /v1/models', '/v1/models', 'control'],
    // A server that ignores the query would make every name known.
    ['POST /invocations?model_name=made-up', '/invocations', 'asks', 'up'],
    ['POST /predictions/iris', '/predictions/{model_name}', 'asks', 'iris'],
    ['POST /iris/predict', '/{model_name}/predict', 'asks', 'iris'],
    ['POST /api/2.0/mlflow/runs/create', '/api/{api_version}/mlflow/runs/create', 'control'],
    ['GET /ping', '/ping', 'control'],
    ['GET /health', '/health', 'control'],
    ['GET /readyz', '/readyz', 'control'],
    ['GET /version', '/version', 'control'],
    ['GET /metrics', '/metrics', 'control'],
  ],
};
