import { createBentoml } from './bentoml.ts';
import { kserveV1 } from './kserve-v1.ts';
import { createMlflow } from './mlflow.ts';
import { mlflowTracking } from './mlflow-tracking.ts';
import { openInference } from './open-inference.ts';
import { createOpenai } from './openai.ts';
import type { Protocol, ProtocolOptions } from './protocol.ts';
import { createTorchserve } from './torchserve.ts';

/** Every API at once, for a server that speaks several, or nobody knows which: the first one that knows a path has it. */
export function createAuto(options: ProtocolOptions): Protocol {
  const protocols = autoOrder(options);
  return {
    name: 'auto',
    routes: protocols.flatMap(({ routes }) => routes),
    recognise: (method, segments, query) => {
      for (const protocol of protocols) {
        const found = protocol.recognise(method, segments, query);
        if (found) return found;
      }
      return undefined;
    },
  };
}

/**
 * What is configured says more than what is guessed. KServe v1 is before the API of OpenAI, which has `/v1/models` as well but takes
 * more for the name of a model. TorchServe is behind those that have the same paths: it takes any name for a model's, and a server
 * that ignores the name would answer 2xx for each.
 */
export function autoOrder(options: ProtocolOptions): readonly Protocol[] {
  return [
    createBentoml(options),
    openInference,
    kserveV1,
    createMlflow(options),
    createOpenai(options),
    createTorchserve(options),
    mlflowTracking,
  ];
}
