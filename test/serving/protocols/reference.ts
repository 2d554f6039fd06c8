import type { ProtocolName } from '../../../src/config/protocols.ts';

/**
 * What the servers say of their paths, with no regard to the code that recognises them. In a pattern, `(a|b)?` are alternatives that
 * may be missing, `{m}` and `{v}` a model and its version, other braces a segment that says nothing, and `*` at the end is at least one
 * segment.
 */
export interface Line {
  readonly pattern: string;
  /** By which method it asks for a prediction. None: it does not. */
  readonly asks?: 'POST' | 'any';
  /** Who says which model it is about; `config` is whoever wrote the configuration. */
  readonly model: 'path' | 'body' | 'config' | 'none';
}

const asking = (model: Line['model'], ...patterns: string[]): Line[] =>
  patterns.map((pattern) => ({ pattern, model, asks: 'POST' }));
const about = (...patterns: string[]): Line[] => patterns.map((pattern) => ({ pattern, model: 'path' }));
const control = (...patterns: string[]): Line[] => patterns.map((pattern) => ({ pattern, model: 'none' }));

const openInference = [
  ...asking('path', '/v2/models/{m}(/versions/{v})?/(infer|generate|generate_stream|infer_stream)'),
  ...about('/v2/models/{m}(/versions/{v})?(/ready|/config|/stats)?'),
  ...control(
    '/v2/models/{m}(/versions/{v})?/(trace/setting|docs|docs/dataplane.json)',
    '/v2(/health/live|/health/ready)?',
    '/v2/repository(/{repository_name})?/(index|models/{m}/load|models/{m}/unload)',
    '/v2/(systemsharedmemory|cudasharedmemory)(/region/{region_name})?/(status|register|unregister)',
  ),
];

const kserveV1 = [
  ...asking('path', '/v1/models/{m}:(predict|explain|classify|regress)'),
  ...asking('path', '/v1/models/{m}/(versions/{v}|labels/{version_label}):(predict|classify|regress)'),
  ...about('/v1/models/{m}(/versions/{v}|/labels/{version_label})?(/metadata)?'),
  ...control('/v1/models', '/', '/metrics'),
];

const openai = [
  ...asking(
    'body',
    '(/openai)?/v1/(chat/completions|completions|embeddings|responses|messages|rerank|score|classify|moderations)',
    '(/openai)?/v1/(chat/completions/batch|images/generations|images/edits)',
    '(/openai)?/v1/audio/(transcriptions|translations|speech)',
    '/(pooling|classify|score|rerank|generative_scoring|v2/rerank|v2/embed|inference/v1/generate|invocations)',
  ),
  ...asking('config', '/(generate|generate_stream|encode)'),
  ...control(
    '(/openai)?/v1/models(/*)?',
    '/v1/(files|batches)(/*)?',
    '/v1/(chat/completions|responses)/*',
    '/v1/(completions/render|messages/count_tokens|load_lora_adapter|unload_lora_adapter|health/{check})',
    '(/v1)?/(tokenize|detokenize)',
    '/(|health|ping|version|metrics|load|info|tokenizer_info)',
  ),
];

const torchserve: readonly Line[] = [
  { pattern: '/(predictions|explanations)/{m}(/{v}(/*)?)?', model: 'path', asks: 'any' },
  { pattern: '/wfpredict/{workflow_name}', model: 'path', asks: 'any' },
  { pattern: '/invocations', model: 'config', asks: 'any' },
  { pattern: '/models/{m}/invoke', model: 'path', asks: 'any' },
  { pattern: '/v2/models/{m}/explain', model: 'path', asks: 'any' },
  ...control(
    '/(|ping|api-description|metrics)',
    '/models(/{m}(/all|/{v}(/set-default)?)?)?',
    '/workflows(/{workflow_name})?',
  ),
  { pattern: '/{m}(/{v})?/predict', model: 'path', asks: 'any' },
  ...kserveV1,
  ...openInference,
];

/** Of the service that the tests configure: `/classify`, and the task `/v1/train`. */
const bentoml = [
  ...asking('config', '/classify', '/v1/train(/submit|/retry)?'),
  ...control(
    '/v1/train/(status|get|cancel)',
    '/(|healthz|livez|readyz|metrics|schema.json|docs.json)',
    '/(assets|static_content)/*',
  ),
];

const mlflow = [...asking('config', '/invocations'), ...control('/(ping|health|version)')];

/** The first line whose pattern a path is of has it. The tracking server of MLflow has no models, and is left to its own table. */
export const reference: Readonly<Record<Exclude<ProtocolName, 'mlflow-tracking'>, readonly Line[]>> = {
  'open-inference': unfolded(openInference),
  'kserve-v1': unfolded(kserveV1),
  torchserve: unfolded(torchserve),
  bentoml: unfolded(bentoml),
  mlflow: unfolded(mlflow),
  openai: unfolded(openai),
  auto: unfolded([...bentoml, ...openInference, ...kserveV1, ...mlflow, ...openai, ...torchserve]),
};

/** A line for each pattern without alternatives. */
function unfolded(lines: readonly Line[]): Line[] {
  return lines.flatMap((line) => alternatives(line.pattern).map((pattern) => ({ ...line, pattern })));
}

function alternatives(pattern: string): string[] {
  const [group, inner, mark] = /\(([^()]*)\)(\??)/.exec(pattern) ?? [];
  if (group === undefined || inner === undefined) return [pattern];
  const choices = [...inner.split('|'), ...(mark ? [''] : [])];
  return choices.flatMap((choice) => alternatives(pattern.replace(group, () => choice)));
}
