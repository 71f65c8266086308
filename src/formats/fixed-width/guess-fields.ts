/** Guesses the fields of a fixed-width file: columns of blanks that all lines share stand between them. Pure. */

export interface GuessedField {
  name: string;
  /** 1-based, as in the settings. */
  start: number;
  length: number;
}

/** `lines`: of one type of record. Fields reach up to where the next one begins, so that longer values fit. */
export function guessFields(lines: readonly string[]): GuessedField[] {
  const width = Math.max(0, ...lines.map((l) => [...l].length));
  const used = new Array<boolean>(width).fill(false);
  for (const line of lines)
    [...line].forEach((c, i) => {
      if (c.trim() !== '') used[i] = true;
    });
  const starts = used.flatMap((isUsed, i) => (isUsed && !used[i - 1] ? [i] : []));
  return starts.map((start, i) => ({
    name: `field_${i + 1}`,
    start: start + 1,
    length: (starts[i + 1] ?? width) - start,
  }));
}
