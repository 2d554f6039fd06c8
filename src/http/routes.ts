/** One path of the management or metrics listener, free of any framework. GET and HEAD only: nothing here changes state. */
export interface Route {
  readonly path: string;
  readonly handle: () => Promise<Answer> | Answer;
}

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  /** Text, or parts of it that are written one after the other, with a turn for others between them. */
  readonly body: string | Iterable<string>;
}

export function jsonAnswer(status: number, value: unknown): Answer {
  return { status, contentType: 'application/json; charset=utf-8', body: `${JSON.stringify(value)}\n` };
}

export function textAnswer(status: number, text: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${text}\n` };
}
