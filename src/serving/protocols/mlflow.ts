import { unnamedModel, type Protocol, type ProtocolOptions } from './protocol.ts';
import { createRouteTable } from './route-table.ts';

/**
 * The scoring server of MLflow (`mlflow models serve`), which serves one model and names it nowhere.
 *
 * Source: https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally, `mlflow/pyfunc/scoring_server`
 */
export function createMlflow(options: ProtocolOptions): Protocol {
  return {
    name: 'mlflow',
    ...createRouteTable({
      unnamed: unnamedModel(options),
      inference: ['/invocations'],
      control: ['/ping', '/health', '/version'],
    }),
  };
}
