/** A choice from a numbered list, as people type it: `1 3-5`, `shop.*`, `all`. Pure. */
import { patternOf } from '../../runtime/discover/extracts.ts';

/** Indexes in the order of the list, or a sentence that says what is not in it. */
export function readChoice(typed: string, names: readonly string[]): number[] | string {
  const chosen = new Set<number>();
  const words = typed.split(/[\s,;]+/).filter((w) => w !== '');
  if (words.length === 0) return 'Nothing is chosen.';
  for (const word of words) {
    const found = indexesOf(word, names);
    if (typeof found === 'string') return found;
    for (const index of found) chosen.add(index);
  }
  return [...chosen].sort((a, b) => a - b);
}

function indexesOf(word: string, names: readonly string[]): number[] | string {
  const range = /^(\d+)(?:(?:-|\.\.)(\d+))?$/.exec(word);
  // A table may be called 2026.
  if (range && !names.includes(word)) {
    const [from, to] = [Number(range[1]), Number(range[2] ?? range[1])];
    if (from < 1 || to > names.length || from > to)
      return `"${word}" is not within 1 to ${names.length.toLocaleString('en')}.`;
    return Array.from({ length: to - from + 1 }, (_, i) => from - 1 + i);
  }
  if (word === 'all' && !names.includes(word)) return [...names.keys()];
  const pattern = patternOf(word);
  const found = [...names.keys()].filter((i) => names[i] === word || pattern.test(names[i]!));
  return found.length > 0 ? found : `Nothing in the list is called "${word}".`;
}
