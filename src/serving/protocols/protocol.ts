/**
 * What an inference API is to the proxy: a way to tell from a request's method, path and query what is asked for. Pure; one file
 * per API. It says nothing about whether a model exists: that is what the upstream's answer shows.
 */
export interface Protocol {
  readonly name: string;
  /** Every route that `recognise` can give. */
  readonly routes: readonly Route[];
  /**
   * @param method upper-case HTTP method.
   * @param segments of the path below the upstream's prefix, percent-decoded, without the empty one before the first slash.
   * @param query with its question mark, or empty.
   * @returns undefined if the path is none of this API's.
   */
  recognise(method: string, segments: readonly string[], query?: string): Recognition | undefined;
}

export interface Route {
  /** As it is shown: `/v2/models/{model_name}/infer`. */
  readonly template: string;
  /** Whether there are requests of it that ask a model for a prediction. */
  readonly inference: boolean;
}

export interface Recognition {
  /** The template of one of the routes, so that it can be an attribute. */
  readonly route: string;
  /** Whether the request asks a model for a prediction (and is counted as an inference request), or for something else. */
  readonly inference: boolean;
  /** Whom the request is about, where a 2xx shows that there is such a model. */
  readonly model?: string | undefined;
  readonly version?: string | undefined;
  /** The body of the request names the model; the path does not. Only where the request asks for a prediction. */
  readonly modelInBody?: true;
  /** Left out of the HTTP measurements, as the server itself leaves it out of its own. */
  readonly unmeasured?: true;
}

/** What the configuration says of an upstream, for the APIs that need it. */
export interface ProtocolOptions {
  readonly name: string;
  readonly models: readonly Model[];
  /** Paths that ask for predictions, where every server has its own. */
  readonly routes: readonly { readonly path: string; readonly task: boolean }[];
}

export interface Model {
  readonly name: string;
  readonly version?: string;
}

/**
 * Whom a request is about that names no model: the one that is configured, or else one that is called like the upstream. Of several
 * it could be any.
 */
export function unnamedModel({ name, models }: ProtocolOptions): Model | undefined {
  return models.length > 1 ? undefined : (models[0] ?? { name });
}
