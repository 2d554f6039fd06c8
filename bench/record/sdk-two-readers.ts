import type { Cases } from '../case.ts';
import { unboundCounter } from './sdk.ts';

/** The same SDK where one is pulled and pushed, as here: each reader has storage of its own, and recording costs once per reader. */
export const cases: Cases = { unbound_counter: () => unboundCounter({ readers: 2 }) };
