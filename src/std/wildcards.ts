/** @param patterns `*` stands for any characters, `?` for one. @returns whether one of them has the whole text. */
export function matcher(patterns: readonly string[]): (text: string) => boolean {
  const expressions = patterns.map(toRegExp);
  return (text) => expressions.some((expression) => expression.test(text));
}

function toRegExp(pattern: string): RegExp {
  const parts = Array.from(pattern.matchAll(/[*?]|[^*?]+/g), ([part]) => {
    if (part === '*') return '.*';
    return part === '?' ? '.' : part.replace(/[\\^$.|+()[\]{}]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`, 'su');
}
