/**
 * How an inference request ended; each has exactly one.
 *
 * - `success`: the upstream answered 2xx or 3xx to the end
 * - `failure`: the upstream answered 4xx or 5xx, or we answered 502 or 504 for it, or its response was cut off
 * - `aborted`: the downstream left first
 * - `rejected`: refused by us: malformed, no route, over a limit
 */
export const outcomes = ['success', 'failure', 'aborted', 'rejected'] as const;

export type Outcome = (typeof outcomes)[number];
