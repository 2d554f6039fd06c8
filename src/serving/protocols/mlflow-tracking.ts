import type { Protocol } from './protocol.ts';
import { createRouteTable } from './route-table.ts';

/**
 * What clients and the web page of MLflow 3 ask for, by resource; an empty name is the resource itself. The rest (workspaces,
 * webhooks, the gateway, Unity Catalog ...) is asked for seldom, and together it would be as many routes again.
 */
const RESOURCES: Readonly<Record<string, string>> = {
  experiments:
    'create delete delete-experiment-tag get get-by-name restore search search-datasets set-experiment-tag update',
  runs: 'create delete delete-tag get log-batch log-inputs log-metric log-model log-parameter outputs restore search set-tag update',
  metrics: 'get-history get-history-bulk get-history-bulk-interval',
  artifacts: 'list presigned-download-url presigned-upload-url',
  'registered-models': 'alias create delete delete-tag get get-latest-versions rename search set-tag update',
  'model-versions': 'create delete delete-tag get get-download-uri search set-tag transition-stage update',
  'logged-models':
    ' search {model_id} {model_id}/params {model_id}/tags {model_id}/tags/{tag_key} {model_id}/artifacts/directories',
  traces:
    ' search get batchGet delete-traces {trace_id} {trace_id}/info {trace_id}/tags {trace_id}/assessments {trace_id}/assessments/{assessment_id}',
};

const API = ['/api/{api_version}', '/ajax-api/{api_version}'].flatMap((root) => [
  ...Object.entries(RESOURCES).flatMap(([resource, names]) =>
    names.split(' ').map((name) => `${root}/mlflow/${resource}${name && `/${name}`}`),
  ),
  `${root}/mlflow/*`,
  `${root}/mlflow-artifacts/artifacts`,
  `${root}/mlflow-artifacts/*`,
]);

/**
 * The tracking server of MLflow (`mlflow server`): it serves no model, so it is measured as HTTP only. `/health` and `/version` are
 * left out of it, as MLflow's own exporter leaves them out.
 *
 * Source: https://mlflow.org/docs/latest/api_reference/rest-api.html, `mlflow/protos`, `mlflow/server/prometheus_exporter.py`
 */
export const mlflowTracking: Protocol = {
  name: 'mlflow-tracking',
  ...createRouteTable({
    control: [
      ...API,
      ...['/', '/metrics', '/graphql', '/v1/traces', '/get-artifact', '/model-versions/get-artifact'],
      ...['/static-files/*', '/gateway/*'],
    ],
    unmeasured: ['/health', '/version'],
  }),
};
