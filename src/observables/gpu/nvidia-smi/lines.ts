/** Takes text as it comes and gives it on by the line, without its end. */
export interface Lines {
  push(chunk: string): void;
  /** The last line may have no end. */
  end(): void;
}

/** @param onTooLong in place of a line that is longer. */
export function createLines(onLine: (line: string) => void, onTooLong: () => void, lengthMax = 65_536): Lines {
  let rest = '';
  let skips = false;
  const give = (line: string): void => {
    if (line.length > lengthMax) onTooLong();
    else onLine(line.trimEnd());
  };
  return {
    push: (chunk) => {
      const [first = '', ...more] = chunk.split('\n');
      const last = more.pop();
      if (!skips) rest += first;
      if (last !== undefined) {
        if (!skips) give(rest);
        more.forEach(give);
        skips = false;
        rest = last;
      }
      if (rest.length > lengthMax) {
        onTooLong();
        skips = true;
        rest = '';
      }
    },
    end: () => {
      if (rest !== '') give(rest);
      rest = '';
    },
  };
}
