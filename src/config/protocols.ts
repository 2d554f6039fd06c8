/** What `upstreams[].protocol` may be. */
export const PROTOCOLS = [
  'open-inference',
  'kserve-v1',
  'torchserve',
  'bentoml',
  'mlflow',
  'mlflow-tracking',
  'openai',
  'auto',
] as const;

export type ProtocolName = (typeof PROTOCOLS)[number];

/** The server serves one model, and no path names it. */
export function hasOneModel(protocol: unknown): boolean {
  return protocol === 'bentoml' || protocol === 'mlflow';
}
