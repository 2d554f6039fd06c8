/** One path of the management or metrics listener, free of any framework. */
export interface Route {
  readonly path: string;
  /** Not given = GET, and HEAD with it, of what changes nothing. The body of a POST is not looked at. */
  readonly method?: 'POST';
  readonly handle: (request: RouteRequest) => Promise<Answer> | Answer;
}

export interface RouteRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  /** What stands behind the `?`, as it came; empty = nothing. */
  readonly query: string;
  /** Names in lower case; several headers of one name are joined by commas. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Of a HEAD, none of it is sent.
   *
   * Parts are written one after the other; each has been taken in before the next one is asked for, so that they may share memory. A part
   * may be empty. It is always begun, and closed when the reader leaves; where it throws, the connection is cut off.
   */
  readonly body: string | AsyncIterable<Uint8Array>;
}

export function jsonAnswer(status: number, value: unknown): Answer {
  return { status, contentType: 'application/json; charset=utf-8', body: `${JSON.stringify(value)}\n` };
}

export function textAnswer(status: number, text: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${text}\n` };
}
