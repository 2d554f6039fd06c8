import { createAuto } from './auto.ts';
import { createBentoml } from './bentoml.ts';
import { kserveV1 } from './kserve-v1.ts';
import { createMlflow } from './mlflow.ts';
import { mlflowTracking } from './mlflow-tracking.ts';
import { openInference } from './open-inference.ts';
import { createOpenai } from './openai.ts';
import type { Protocol, ProtocolOptions } from './protocol.ts';
import { createTorchserve } from './torchserve.ts';

/** Every inference API that there is, by its name. */
export const protocols = {
  'open-inference': () => openInference,
  'kserve-v1': () => kserveV1,
  torchserve: createTorchserve,
  bentoml: createBentoml,
  mlflow: createMlflow,
  'mlflow-tracking': () => mlflowTracking,
  openai: createOpenai,
  auto: createAuto,
} satisfies Record<string, (options: ProtocolOptions) => Protocol>;
