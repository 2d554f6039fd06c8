/** Whatever was thrown, as text for a log or an error: also what has no text, as an object without a prototype. Never throws. */
export function errorText(error: unknown): string {
  try {
    return String(error);
  } catch {
    return 'an error that has no text';
  }
}
