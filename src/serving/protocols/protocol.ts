/**
 * What an inference API is to the proxy: a way to tell from a request's method and path what is asked for. Pure; one file per
 * API. It says nothing about whether a model exists: that is what the upstream's answer shows.
 */
export interface Protocol {
  readonly name: string;
  /**
   * @param method upper-case HTTP method.
   * @param segments of the path below the upstream's prefix, percent-decoded, without the empty one before the first slash.
   * @returns undefined if the path is none of this API's.
   */
  recognise(method: string, segments: readonly string[]): Recognition | undefined;
}

export interface Recognition {
  /** The path's template: one of a fixed list, so that it can be an attribute. */
  readonly route: string;
  /** Whether the request asks a model for a prediction (and is counted as an inference request), or for something else. */
  readonly inference: boolean;
  readonly model?: string;
  readonly version?: string;
}
