import type { RequestKind } from '../../src/cli/demo/requests.ts';
import type { Outcome } from '../../src/serving/proxy/outcome.ts';
import { REQUEST } from '../proxy/workload.ts';

export interface SoakKind extends RequestKind {
  /** Of a thousand requests. */
  readonly share: number;
  readonly outcome: Outcome;
  readonly status?: number;
}

export const SLOW_MS = 20;
const LARGE_BYTES = 256 * 1024;
const MODEL = '/v2/models/iris/infer';
const body = REQUEST.toString();

const common: readonly SoakKind[] = [{ path: MODEL, body, share: 920, outcome: 'success', status: 200 }];
const others: readonly SoakKind[] = [
  { path: `${MODEL}?error`, body, share: 20, outcome: 'failure', status: 500 },
  { path: `${MODEL}?slow`, body, share: 25, outcome: 'success', status: 200 },
  { path: `${MODEL}?echo`, body: 'x'.repeat(LARGE_BYTES), share: 10, outcome: 'success', status: 200 },
  // A model that nobody has configured.
  { path: '/v2/models/other/infer', body, share: 5, outcome: 'success', status: 200 },
  { path: '/v2/models/%zz/infer', body, share: 10, outcome: 'rejected', status: 400 },
  { path: `${MODEL}?hold`, body, share: 5, outcome: 'aborted', leave: 'in_response' },
  { path: MODEL, body, share: 5, outcome: 'aborted', leave: 'in_request' },
];

/** Has no divisor in common with 1,000, so that every place is come by. */
const STRIDE = 389;

/** A thousand in an order that is the same each time and puts none beside its like. */
export const thousand: readonly SoakKind[] = mixed([...common, ...others]);

function mixed(kinds: readonly SoakKind[]): SoakKind[] {
  const all = kinds.flatMap((kind) => Array<SoakKind>(kind.share).fill(kind));
  return all.flatMap((_, place) => all[(place * STRIDE) % all.length] ?? []);
}
