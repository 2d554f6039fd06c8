import { SampleError, type Sample } from '../observable.ts';

/** Runs all; what fails costs its own readings. @throws as `settle`. */
export function readParts(into: Sample, parts: readonly (() => void)[]): void {
  const errors: SampleError[] = [];
  for (const part of parts) {
    try {
      part();
    } catch (error) {
      errors.push(asExpected(error));
    }
  }
  settle(into, { errors, parts: parts.length });
}

/**
 * Reports what failed.
 *
 * @throws the first error when nothing else happened.
 */
export function settle(into: Sample, { errors, parts }: { errors: readonly SampleError[]; parts: number }): void {
  if (errors[0] !== undefined && errors.length === parts) throw errors[0];
  for (const error of errors) into.report(error);
}

/** @throws what is no `SampleError`, but a mistake of ours. */
export function asExpected(error: unknown): SampleError {
  if (error instanceof SampleError) return error;
  throw error;
}
