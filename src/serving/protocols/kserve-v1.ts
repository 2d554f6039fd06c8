import type { Protocol } from './protocol.ts';
import { createRouteTable } from './route-table.ts';

const MODEL = '/v1/models/{model_name}';
const VERSION = `${MODEL}/versions/{model_version}`;
/** Names a version that may change. */
const LABEL = `${MODEL}/labels/{version_label}`;

/**
 * The v1 protocol of KServe, and of TensorFlow Serving, which it is made after: the latter has versions, classification and
 * regression.
 *
 * Sources: https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol,
 * https://www.tensorflow.org/tfx/serving/api_rest
 */
export const kserveV1: Protocol = {
  name: 'kserve-v1',
  ...createRouteTable({
    inference: [
      ...['predict', 'explain', 'classify', 'regress'].map((verb) => `${MODEL}:${verb}`),
      ...[VERSION, LABEL].flatMap((root) => ['predict', 'classify', 'regress'].map((verb) => `${root}:${verb}`)),
    ],
    model: [MODEL, VERSION, LABEL, ...[MODEL, VERSION, LABEL].map((root) => `${root}/metadata`)],
    control: ['/', '/v1/models', '/metrics'],
  }),
};
