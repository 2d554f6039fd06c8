/** @returns an unsigned number as the kernel prints it, 64 bits at most, with a fraction or without; undefined for everything else. */
export function toNumber(field: string | undefined): number | undefined {
  return field !== undefined && /^\d{1,20}(\.\d+)?$/.test(field) ? Number(field) : undefined;
}

/** @returns all of them, or undefined when one is no number. */
export function toNumbers(fields: readonly string[]): number[] | undefined {
  const numbers = fields.map((field) => toNumber(field) ?? NaN);
  return numbers.some(Number.isNaN) ? undefined : numbers;
}

/** @returns what is between white space. */
export function split(line: string): string[] {
  return line.match(/\S+/g) ?? [];
}

/** @returns the lines that are not empty. */
export function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** @returns the fields behind the key that a line begins with; undefined when none does. Every line has an end. */
export function fieldsOf(text: string, key: string): string[] | undefined {
  const beginning = `${key} `;
  const start = text.startsWith(beginning) ? 0 : text.indexOf(`\n${beginning}`) + 1;
  if (!text.startsWith(beginning, start)) return undefined;
  return split(text.slice(start + key.length, text.indexOf('\n', start)));
}

/** The kernel writes what would split a line (space, tab, newline, backslash) as three octal digits. */
export function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
