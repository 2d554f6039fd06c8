/** Whether a path is of a template, as its text says it, segment by segment. */
export function fits(template: string, path: readonly string[]): boolean {
  const parts = template.slice(1).split('/');
  if (template === '/') return path.length === 0 || (path.length === 1 && path[0] === '');
  if (parts.at(-1) === '*' ? path.length < parts.length : path.length !== parts.length) return false;
  return parts.every((part, index) => {
    const given = path[index] ?? '';
    const [, suffix] = /^\{\w+\}(.*)$/.exec(part) ?? [];
    if (suffix === undefined) return part === '*' || part === given;
    return given.length > suffix.length && given.endsWith(suffix);
  });
}

/** What a path has in the place of a placeholder. */
export function textFor(placeholder: RegExp, template: string, path: readonly string[]): string | undefined {
  const parts = template.slice(1).split('/');
  const at = parts.findIndex((part) => placeholder.test(part));
  const suffix = parts[at]?.replace(placeholder, '') ?? '';
  const given = path[at];
  return given?.slice(0, given.length - suffix.length);
}
