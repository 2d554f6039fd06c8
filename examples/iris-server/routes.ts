import { modelMetadata, modelName, modelVersion } from './protocol.ts';

export interface Answer {
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export type ModelAction = 'metadata' | 'ready' | 'stats' | 'infer';

/** What a path below `/v2/models` asks, and whether of the one model and version that is served. */
export interface ModelPath {
  readonly action: ModelAction;
  readonly served: boolean;
}

const modelPattern = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(?:\/(ready|stats|infer))?$/;

const serverAnswers: Readonly<Record<string, object>> = {
  '/v2': { name: 'iris-server', version: '1', extensions: ['statistics'] },
  '/v2/health/live': { live: true },
  '/v2/health/ready': { ready: true },
};

/** @returns undefined if the path is not that of a model. */
export function parseModelPath(path: string): ModelPath | undefined {
  const [, name, version, action = 'metadata'] = modelPattern.exec(path) ?? [];
  if (name === undefined) return undefined;
  const served = decoded(name) === modelName && (version === undefined || decoded(version) === modelVersion);
  return { action: action as ModelAction, served };
}

/** The answer to everything but a POST to a model's `infer`. */
export function answerControl(method: string, path: string, stats: () => object): Answer {
  const model = parseModelPath(path);
  if (model?.action === 'infer') return notAllowed('POST');
  const body = serverAnswers[path];
  if (model === undefined && body === undefined)
    return { status: 404, body: { error: 'there is nothing at this path' } };
  if (method !== 'GET') return notAllowed('GET');
  if (model === undefined) return { status: 200, body: body ?? {} };
  if (!model.served) return unknownModel;
  const bodies = { metadata: () => modelMetadata, ready: () => ({ name: modelName, ready: true }), stats };
  return { status: 200, body: bodies[model.action]() };
}

export const unknownModel: Answer = {
  status: 404,
  body: { error: `unknown model or version; this server has ${modelName}, version ${modelVersion}` },
};

function notAllowed(allow: string): Answer {
  return { status: 405, body: { error: `this path takes ${allow} only` }, headers: { allow } };
}

/** What is wrongly encoded stays as it is: it is the name of no model. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
