import assert from 'node:assert/strict';
import { exchange, open, untilDropped, type Answer, type Asking } from './exchange.ts';

export interface SameCase extends Asking {
  readonly status: number;
  readonly cutOff?: true;
  /** What is another in every answer, and why; the same is put in its place on both sides. */
  readonly varies?: { readonly why: string; readonly body: (body: Buffer) => Buffer | string };
}

/** Headers of one connection: each side says its own. */
const OF_THE_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding']);

export interface Ways {
  /** URLs of the server and of the gateway in front of it. */
  readonly direct: string;
  readonly gateway: string;
  /** How many connections the server has dropped so far; where there are cases that have it do so. */
  readonly dropped?: () => number;
  /** Headers whose values are others in every answer of this server, with what they look like. */
  readonly varyingHeaders?: Readonly<Record<string, RegExp>>;
}

/** Asks the server itself and then through the gateway. @throws AssertionError when the answers differ in what an application can see. */
export async function assertSameAnswer(ways: Ways, asking: SameCase): Promise<void> {
  const { direct, gateway, dropped, varyingHeaders } = ways;
  const send = (url: string): Promise<Answer> =>
    asking.drops && dropped ? untilDropped(dropped, () => exchange(url, asking)) : exchange(url, asking);
  const varying: Readonly<Record<string, RegExp | undefined>> = {
    date: /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/,
    ...varyingHeaders,
  };
  const see = (answer: Answer): unknown => ({
    status: answer.status,
    reason: answer.reason,
    whole: answer.whole,
    headers: answer.headers.flatMap(([name, value]) => {
      if (OF_THE_CONNECTION.has(name)) return [];
      return [[name, varying[name]?.test(value) ? 'varies' : value]];
    }),
    body: latin1(asking.varies?.body(answer.body) ?? answer.body),
  });
  const itself = await send(direct);
  assert.deepEqual([itself.status, itself.whole], [asking.status, asking.cutOff !== true], itself.body.toString());
  assert.deepEqual(see(await send(gateway)), see(itself));
}

/** One character for each byte. */
function latin1(body: Buffer | string): string {
  return Buffer.from(body).toString('latin1');
}

export interface Parts {
  /** What the server answers with `before` and, when it is told to go on, with `behind`. */
  readonly stream: Asking;
  readonly before: string;
  readonly goOn: Asking;
  readonly behind: string;
}

/** Never resolves when what is before comes no sooner than what is behind. */
export async function assertArrivesInParts(url: string, { stream, before, goOn, behind }: Parts): Promise<void> {
  let text = '';
  let told = false;
  for await (const part of (await open(url, stream)).setEncoding('utf8')) {
    text += String(part);
    if (told || !text.includes(before)) continue;
    assert.ok(!text.includes(behind), text);
    told = true;
    const { status, body } = await exchange(url, goOn);
    assert.ok(status < 300, body.toString());
  }
  assert.ok(text.includes(behind), text);
}
