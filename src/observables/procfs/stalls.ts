import { fieldsOf, toNumber } from './fields.ts';
import { malformed } from './proc-file.ts';

/** Seconds that some, or all, threads stalled. Of the CPU, older kernels do not tell `full`. */
export interface Stalls {
  readonly some: number;
  readonly full: number | undefined;
}

/**
 * Pressure stall information of the host or of a control group (Documentation/accounting/psi.rst).
 *
 * @param path of the text, for the error.
 * @throws SampleError `malformed`.
 */
export function parseStalls(path: string, text: string): Stalls {
  const some = totalSeconds(text, 'some');
  if (some === undefined) throw malformed(path, 'has no total for "some"');
  return { some, full: totalSeconds(text, 'full') };
}

function totalSeconds(text: string, stall: keyof Stalls): number | undefined {
  const total = fieldsOf(text, stall)?.find((field) => field.startsWith('total='));
  const microseconds = toNumber(total?.slice('total='.length));
  return microseconds === undefined ? undefined : microseconds / 1e6;
}
