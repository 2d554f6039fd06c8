import { unnamedModel, type Protocol, type ProtocolOptions } from './protocol.ts';
import { createRouteTable } from './route-table.ts';

/** Below `/v1`. Those of audio and images that take a file have a form for a body, where no model is looked for. */
const INFERENCE = [
  ...['chat/completions', 'chat/completions/batch', 'completions', 'embeddings', 'responses', 'messages'],
  ...['rerank', 'score', 'classify', 'moderations'],
  ...['audio/transcriptions', 'audio/translations', 'audio/speech', 'images/generations', 'images/edits'],
];
/** What vLLM has beside them: pooling models, the API of Cohere, tokens in and out, and SageMaker's path. */
const OF_VLLM = [
  ...['/pooling', '/classify', '/score', '/rerank', '/generative_scoring', '/v2/rerank', '/v2/embed'],
  ...['/inference/v1/generate', '/invocations'],
];
/** Of SGLang and TGI, which have one model: it is named nowhere. */
const NATIVE = ['/generate', '/generate_stream', '/encode'];
/** KServe puts the API below `/openai`, since its own v1 protocol has `/v1/models` as well. */
const ROOTS = ['/v1', '/openai/v1'];

/**
 * The API of OpenAI as vLLM, SGLang, TGI, Triton's frontend and KServe serve it: the model is in the body of the request. What is said
 * of a model below `/v1/models` is no news about it: its name may have slashes, so where it ends is not to be seen.
 *
 * Sources: https://docs.vllm.ai/en/stable/serving/online_serving.html and usage/security.html, SGLang's `http_server.py`, TGI's
 * `router/src/server.rs`, https://platform.openai.com/docs/api-reference
 */
export function createOpenai(options: ProtocolOptions): Protocol {
  return {
    name: 'openai',
    ...createRouteTable({
      unnamed: unnamedModel(options),
      inference: NATIVE,
      bodyModel: [...ROOTS.flatMap((root) => INFERENCE.map((path) => `${root}/${path}`)), ...OF_VLLM],
      control: [
        ...ROOTS.flatMap((root) => [`${root}/models`, `${root}/models/*`]),
        // By their ids; also what a prompt looks like to the model, and how long it is.
        ...['/v1/chat/completions/*', '/v1/completions/render', '/v1/responses/*', '/v1/messages/count_tokens'],
        ...['/v1/files', '/v1/files/*', '/v1/batches', '/v1/batches/*'],
        ...['/tokenize', '/detokenize', '/v1/tokenize', '/v1/detokenize', '/tokenizer_info'],
        ...['/v1/load_lora_adapter', '/v1/unload_lora_adapter'],
        ...['/', '/health', '/v1/health/{check}', '/ping', '/version', '/metrics', '/load', '/info'],
      ],
    }),
  };
}
