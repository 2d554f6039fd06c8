/** @param timeMs Unix ms. @returns ISO 8601; null for a time that is not known. */
export function timeText(timeMs: number | undefined): string | null {
  return timeMs !== undefined && timeMs > 0 ? new Date(timeMs).toISOString() : null;
}
